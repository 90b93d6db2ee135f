/** The example's queue in a cluster, while all of its workers are killed, then all of its fronts, then Redis. */
import type { Stage, Suite } from "../suite.ts";

const SHOP = "queue-shop";

export const workQueue: Suite = {
  name: "work-queue",
  promise:
    "each picture that was accepted is made, when workers and thumbnailers, fronts and Redis are killed meanwhile",
  async run(stage) {
    await stage.apply("examples/work-queue/deployment.yaml");
    for (const deployment of ["thumbnailer-front", "thumbnailer"]) await stage.rolledOut(deployment);
    await stage.apply("test/k8s/manifests/queue-shop.yaml");
    await stage.condition(`pod/${SHOP}`, "Ready");
    for (const [batches, app] of [
      [1, "thumbnailer"],
      [4, "thumbnailer-front"],
      [7, "thumbnails-redis"],
    ] as const) {
      await accepted(stage, batches);
      // SIGKILL at once: nothing is given back.
      await stage.kubectl.run(["delete", "pod", `--selector=app=${app}`, "--grace-period=0", "--force"]);
    }
    stage.note(allMade(await stage.logsToEnd(SHOP, "shop")));
  },
};

async function accepted(stage: Stage, batches: number): Promise<void> {
  await stage.until(`the shop has sent ${batches} batches`, async () => {
    const log = await stage.kubectl.run(["logs", "--container=shop", SHOP]);
    return (log.match(/^accepted /gm)?.length ?? 0) >= batches;
  });
}

/** @throws where a picture was not made, or the shop did not come to its end */
function allMade(log: string): string {
  const [line = "", ...figures] = /^done: (\d+) accepted, (\d+) made, .*$/m.exec(log) ?? [];
  const [sent, made] = figures.map(Number);
  if (sent === undefined || sent === 0 || made !== sent)
    throw new Error(`not every picture was made; the shop's last words:\n${log.trim().slice(-1_000)}`);
  return line;
}
