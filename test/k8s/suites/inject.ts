/** What `outrigger inject` makes of a workload of each kind, read by the cluster's own API server. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT, type Suite } from "../suite.ts";

const BIN = join(ROOT, "packages/cli/bin/outrigger.js");
const EGRESS = ["--ambassador", "7000=http://catalog:7000"];
const BOTH = [...EGRESS, "--gate", "9000=http://127.0.0.1:3000"];

/** A file of manifests, and with what it is injected. */
export const INJECTIONS: readonly (readonly [file: string, flags: readonly string[]])[] = [
  ["inject-servers.yaml", BOTH],
  ["inject-servers.yaml", [...BOTH, "--leader-elector", "election=web"]],
  ["inject-servers.yaml", ["--classic", ...BOTH]],
  ["inject-jobs.yaml", EGRESS],
];

export const inject: Suite = {
  name: "inject",
  promise: "the API server takes what inject makes of each kind, and knows each of its fields",
  async run(stage) {
    const refused: string[] = [];
    for (const [file, flags] of INJECTIONS) {
      const words = ["inject", ...flags, "-f", join(ROOT, "test/k8s/manifests", file)];
      const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], { encoding: "utf8" });
      if (status !== 0) throw new Error(`outrigger ${words.join(" ")}: ${stderr}`);
      await stage
        .dryRun(stdout)
        .catch((error: Error) => refused.push(`${words.join(" ")}: ${error.message}`));
    }
    if (refused.length > 0) throw new Error(refused.join("\n"));
    stage.note(`${INJECTIONS.length} outputs`);
  },
};
