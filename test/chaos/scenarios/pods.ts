/** Pods, each a gate before a workload, that are replaced and restarted as a kubelet does it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AmbassadorProcess } from "../../support/ambassador.ts";
import { span, until } from "../../support/polling.ts";
import type { Backend, Fleet } from "../fleet.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** How long the slow workload takes to start, in milliseconds. */
const SLOW_START = { short: 3_000, full: 20_000 };

const listFile = (fleet: Fleet): string => join(fleet.folder, "endpoints.yaml");

interface Pod {
  readonly workload: Backend;
  readonly gate: AmbassadorProcess;
}

/** The endpoints that the platform names. */
function publish({ fleet }: Stage, pods: readonly { readonly address: string }[]): void {
  writeFileSync(listFile(fleet), pods.map(({ address }) => `- ${address}\n`).join(""));
}

const gatesOf = (pods: readonly Pod[]): AmbassadorProcess[] => pods.map(({ gate }) => gate);

/** Puts a gate before each backend, and plays; from the outside nobody goes past the gates then. */
async function withPods(stage: Stage, play: (pods: readonly Pod[]) => Promise<void>): Promise<void> {
  const pods: Pod[] = [];
  try {
    for (const workload of stage.fleet.backends) {
      const gate = await AmbassadorProcess.start({
        endpoints: [workload.address],
        role: "ingress",
        name: `gate-${workload.name}`,
      });
      pods.push({ workload, gate });
    }
    publish(stage, gatesOf(pods));
    await stage.allAvailable();
    await stage.calm();
    await play(pods);
    await stage.mend(() => {});
    // The load goes on: it goes past the gates before they end.
    publish(stage, stage.fleet.backends);
    await Promise.all(pods.map(({ gate }) => gate.drain()));
  } finally {
    await Promise.all(pods.map(({ gate }) => gate.end()));
  }
}

/** The pod is deleted, and comes again: the gate first, as a native sidecar does, then its workload. */
async function replace(stage: Stage, pods: readonly Pod[], pod: Pod, slowStart: number): Promise<void> {
  const { gate, workload } = pod;
  const name = `pod of ${workload.name}`;
  publish(stage, gatesOf(pods.filter((other) => other !== pod)));
  stage.check(`${name}: the preStop is answered 200`, (await gate.drain()) === 200);
  await workload.kill();
  gate.program.kill("SIGTERM");
  stage.check(`${name}: its gate exits 0`, (await gate.program.exited).code === 0);

  gate.launch();
  await span(slowStart);
  stage.check(`${name}: not ready before its workload is`, !(await gate.isReady()));
  await workload.start();
  await until(`the ${name} is ready`, () => gate.isReady());
  publish(stage, gatesOf(pods));
}

const behindGates = (fleet: Fleet) => {
  writeFileSync(listFile(fleet), fleet.addresses.map((address) => `- ${address}\n`).join(""));
  return { endpoints: [], discovery: "file", discoveryFile: listFile(fleet) };
};

export const podScenarios: readonly Scenario[] = [
  {
    name: "pods-replaced",
    promise:
      "gated pods are replaced one by one, their workloads die at once and start slowly: no POST fails, none is done twice",
    workload: { method: "POST" },
    route: behindGates,
    atMostOnce: true,
    async play(stage) {
      const slowStart = stage.rounds === 1 ? SLOW_START.short : SLOW_START.full;
      await withPods(stage, async (pods) => {
        await stage.fault(`${pods.length} pods replaced, ${slowStart / 1000} s to start`, async () => {
          for (const pod of pods) await replace(stage, pods, pod, slowStart);
        });
      });
    },
  },
  {
    name: "workloads-restarted",
    promise:
      "behind their gates workloads are restarted while requests go on coming: no POST fails, none is done twice",
    workload: { method: "POST" },
    route: behindGates,
    atMostOnce: true,
    async play(stage) {
      await withPods(stage, async (pods) => {
        await stage.fault(`${pods.length * stage.rounds} restarts`, async () => {
          for (let round = 0; round < stage.rounds; round++)
            for (const { gate, workload } of pods) {
              stage.check(`${workload.name}: the preStop is answered 200`, (await gate.drain()) === 200);
              await workload.kill();
              await span(1_000);
              await workload.start();
            }
        });
      });
    },
  },
];
