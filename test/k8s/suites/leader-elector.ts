/**
 * The example's ticker in a cluster: its leader killed, its leader deleted, all of its replicas rolled, and its ticks counted.
 * Not paused: nothing inside of a pod stops its own PID 1; the case on podman does it from outside.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT, type Stage, type Suite } from "../suite.ts";

const TICKS = join(ROOT, "examples/leader-elector/ticks.mjs");
/** The lease lasts 15 s and is looked at every 2 s; a pod's start, and a node's load, come on top. */
const LONGEST_GAP = "30";

export const leaderElector: Suite = {
  name: "leader-elector",
  promise:
    "of three tickers one ticks, once a second, when the leader is killed, deleted, and when all are rolled",
  async run(stage) {
    const logs = new Map<string, Promise<string>>();
    await stage.apply("examples/leader-elector/deployment.yaml");
    await stage.rolledOut("ticker");
    await follow(stage, logs);
    const first = await leader(stage, "");
    // SIGKILL at once: nothing is given back.
    await stage.kubectl.run(["delete", "pod", first, "--grace-period=0", "--force"]);
    await follow(stage, logs);
    const second = await leader(stage, first);
    await stage.kubectl.run(["delete", "pod", second, "--wait=true", "--timeout=120s"]);
    await follow(stage, logs);
    await leader(stage, first, second);
    const before = await pods(stage);
    await stage.kubectl.run(["rollout", "restart", "deployment/ticker"]);
    await stage.rolledOut("ticker");
    await follow(stage, logs);
    await leader(stage, ...before);
    await stage.kubectl.run(["delete", "deployment", "ticker", "--wait=true", "--timeout=120s"]);
    const input = (await Promise.all(logs.values())).join("\n");
    const { status, stdout } = spawnSync(process.execPath, [TICKS, "--gap", LONGEST_GAP], {
      input,
      encoding: "utf8",
    });
    if (status !== 0 || !stdout.includes(", 0 late")) throw new Error(stdout.trim());
    stage.note(stdout.trim());
  },
};

const namesIn = (text: string): string[] => text.split(/\s+/).filter(Boolean);

async function pods(stage: Stage): Promise<string[]> {
  const output = "--output=jsonpath={.items[*].metadata.name}";
  return namesIn(await stage.kubectl.run(["get", "pods", "--selector=app=ticker", output]));
}

/** Reads the logs of pods that are new, to their ends. */
async function follow(stage: Stage, logs: Map<string, Promise<string>>): Promise<void> {
  for (const pod of await pods(stage)) {
    if (logs.has(pod)) continue;
    const log = stage.logsToEnd(pod, "ticker");
    // Whoever awaits it hears of it.
    log.catch(() => {});
    logs.set(pod, log);
  }
}

/** The pod that leads, once it is none of these and its ticker ticks. */
async function leader(stage: Stage, ...former: readonly string[]): Promise<string> {
  let name = "";
  await stage.until(`another than ${former.join(", ")} leads and ticks`, async () => {
    const holder = await stage.kubectl.run([
      "get",
      "lease",
      "ticker",
      "--output=jsonpath={.spec.holderIdentity}",
    ]);
    name = holder.trim().replace(/_.*/, "");
    if (name === "" || former.includes(name)) return false;
    return (await stage.kubectl.run(["logs", "--container=ticker", name])).includes("tick ");
  });
  return name;
}
