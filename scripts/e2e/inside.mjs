/** The podman suite from inside its sandbox: first the images, with the machine's network, then the cases in their own. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { IMAGE_NODE_VERSION } from "../node-binary.mjs";
import { findEngine } from "../images/engine.mjs";
import { ROOT } from "../setup.mjs";
import { furnish, furnishNetwork, startWithOwnNetwork } from "./sandbox.mjs";
import { buildWorkloadImages } from "./workload-images.mjs";

/** As the manifests of READMEs name them. */
const PREFIX = "ghcr.io/outrigger";
const SELF = fileURLToPath(import.meta.url);
const { stage, names, keep, store } = JSON.parse(process.argv[2]);
const say = (text) => process.stdout.write(text);

try {
  process.exitCode = stage === "cases" ? await cases() : await images();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function images() {
  furnish(store);
  const words = ["--local-base", "--engine", "podman", "--prefix", PREFIX];
  const built = spawnSync(process.execPath, [join(ROOT, "scripts", "images.mjs"), ...words], {
    stdio: "inherit",
  });
  if (built.status !== 0) throw new Error("the images could not be built");
  const out = join(ROOT, ".cache", "images", "workloads");
  buildWorkloadImages(
    findEngine("podman"),
    `localhost/outrigger/base:node${IMAGE_NODE_VERSION}`,
    out,
    (tag) => say(`${tag}\n`),
  );
  const child = startWithOwnNetwork(SELF, [JSON.stringify({ stage: "cases", names, keep })]);
  const [code] = await once(child, "exit");
  return code ?? 1;
}

async function cases() {
  furnishNetwork();
  const { runCases } = await import(join(ROOT, "test", "dist", "e2e", "main.js"));
  const { passed, failed } = await runCases({ names, say, ...(keep && { keep: untilEnter }) });
  say(`\n${passed} passed, ${failed} failed, 0 skipped\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

/** The pids of this place; how to come here stands at the beginning of the output. */
async function untilEnter(name) {
  say(
    `the pods of ${name} are kept; for their network: nsenter --net=/proc/${process.pid}/ns/net. Enter here goes on.\n`,
  );
  const input = createInterface({ input: process.stdin });
  await Promise.race([once(input, "line"), once(input, "close")]);
  input.close();
}
