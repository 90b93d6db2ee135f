/** examples/ambassador-http as its README says: applied, watched, deleted. */
import { nothingLost, type Suite } from "../suite.ts";

export const ambassadorHttp: Suite = {
  name: "ambassador-http",
  promise: "the example's shop loses no request to a slow and a flaky catalogue, nor at its pod's end",
  async run(stage) {
    await stage.apply("examples/ambassador-http/pod.yaml");
    await stage.condition("pod/shop", "Ready");
    const [log] = await Promise.all([stage.logsToEnd("shop", "shop"), deleteLater()]);
    stage.note(`${nothingLost(log).requests} requests, none lost`);

    /** Native sidecars end after the shop: its last requests find the ambassador there. */
    async function deleteLater(): Promise<void> {
      // The shop reports every two seconds: five reports of a flaky world, which is away for a second meanwhile.
      await stage.until("the shop has reported five times", async () => {
        const text = await stage.kubectl.run(["logs", "--container=shop", "shop"]);
        return (text.match(/ answered, /g)?.length ?? 0) >= 5;
      });
      await stage.kubectl.run(["delete", "pod", "shop", "--wait=true", "--timeout=120s"]);
    }
  },
};
