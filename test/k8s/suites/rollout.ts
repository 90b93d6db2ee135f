/** A Deployment restarted behind an ambassador, under load from inside of the cluster. */
import { nothingLost, type Suite } from "../suite.ts";

export const rollout: Suite = {
  name: "rollout",
  promise: "kubectl rollout restart of what the shop calls loses no request of the shop",
  async run(stage) {
    await stage.apply("test/k8s/manifests/rollout-catalogue.yaml");
    await stage.rolledOut("catalogue");
    await stage.apply("test/k8s/manifests/rollout-caller.yaml");
    await stage.condition("pod/caller", "Ready");
    const [log] = await Promise.all([stage.logsToEnd("caller", "shop"), restartTwice()]);
    stage.note(`${nothingLost(log).requests} requests, none lost`);

    async function restartTwice(): Promise<void> {
      for (let round = 0; round < 2; round++) {
        await stage.kubectl.run(["rollout", "restart", "deployment/catalogue"]);
        await stage.rolledOut("catalogue");
      }
      await stage.kubectl.run(["delete", "pod", "caller", "--wait=true", "--timeout=120s"]);
    }
  },
};
