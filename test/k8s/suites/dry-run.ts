/** Every manifest of the repository, read by the cluster's own API server with unknown fields refused. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT, type Suite } from "../suite.ts";

const FOLDERS = ["test/k8s/manifests"];

/** Paths from the root: those of each example, and the manifests of this suite. */
export function manifests(): string[] {
  const examples = readdirSync(join(ROOT, "examples"))
    .flatMap((name) => ["pod.yaml", "deployment.yaml"].map((file) => `examples/${name}/${file}`))
    .filter((path) => existsSync(join(ROOT, path)));
  const ours = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  );
  return [...examples, ...ours].sort();
}

export const dryRun: Suite = {
  name: "dry-run",
  promise: "the API server takes every manifest, and knows each of its fields",
  async run(stage) {
    const refused: string[] = [];
    for (const path of manifests()) {
      await stage
        .dryRun(stage.manifest(path))
        .catch((error: Error) => refused.push(`${path}: ${error.message}`));
    }
    if (refused.length > 0) throw new Error(refused.join("\n"));
    stage.note(`${manifests().length} manifests`);
  },
};
