/**
 * npm run test:k8s [-- flags] [SUITE ...]: the suite for a cluster, that of the current kubeconfig. Ends with
 * `N passed, N failed, N skipped`; without a cluster everything is skipped, and it exits 0.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const MANUAL = `usage: npm run test:k8s [-- [flags] [SUITE ...]]

  --context NAME         of the kubeconfig; default: the current one, and then without a cluster all is skipped
  --image-prefix PREFIX  where our images are; default: ghcr.io/outrigger
  --image-tag TAG        default: ${version}
  --pull-policy POLICY   Always, IfNotPresent or Never; default: IfNotPresent
  --list                 say which suites there are

minikube: npm run images -- --engine docker --prefix ghcr.io/outrigger, then minikube image load ghcr.io/outrigger/ambassador:${version}
kind:     the same, then kind load docker-image ghcr.io/outrigger/ambassador:${version}
`;
const fail = (message, code) => {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(code);
};
let words;
try {
  words = parseArgs({
    allowPositionals: true,
    options: {
      context: { type: "string" },
      "image-prefix": { type: "string", default: "ghcr.io/outrigger" },
      "image-tag": { type: "string", default: version },
      "pull-policy": { type: "string", default: "IfNotPresent" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
} catch (error) {
  fail(`${error.message}\n${MANUAL}`, 2);
}
const { values, positionals: names } = words;
const { context, "image-prefix": prefix, "image-tag": tag, "pull-policy": pullPolicy } = values;
if (values.help) {
  process.stdout.write(MANUAL);
  process.exit(0);
}
if (!["Always", "IfNotPresent", "Never"].includes(pullPolicy))
  fail(`--pull-policy ${pullPolicy}: Always, IfNotPresent or Never`, 2);
try {
  await setup();
} catch (error) {
  fail(error.message, 1);
}
const { runSuites, SUITES } = await import(join(ROOT, "test", "dist", "k8s", "main.js"));
const list = SUITES.map(({ name, promise }) => `  ${name.padEnd(18)} ${promise}\n`).join("");
if (values.list) {
  process.stdout.write(list);
  process.exit(0);
}
const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) fail(`there is no suite ${unknown.join(", ")}; there are:\n${list}`, 2);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    if (!stop.signal.aborted) process.stdout.write(`${signal}: ending, the namespace is removed\n`);
    stop.abort();
  });
const { passed, failed, skipped } = await runSuites({
  names,
  kubectl: { context },
  images: { prefix, tag, pullPolicy },
  signal: stop.signal,
  say: (text) => process.stdout.write(text),
});
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed > 0 || stop.signal.aborted ? 1 : 0);
