/** A Job with an ambassador beside it. */
import { nothingLost, type Suite } from "../suite.ts";

export const job: Suite = {
  name: "job",
  promise: "a Job with a native sidecar completes when its own container has, with every request answered",
  async run(stage) {
    await stage.apply("test/k8s/manifests/job.yaml");
    await stage.condition("job/import", "Complete");
    const log = await stage.kubectl.run(["logs", "--container=import", "job/import"]);
    stage.note(`${nothingLost(log).requests} requests, none lost`);
  },
};
