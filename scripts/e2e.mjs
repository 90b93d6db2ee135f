/**
 * npm run e2e [-- [--keep] [--list] [CASE ...]]: the podman suite, real pods of real images. Its cases are blocks of
 * READMEs, run as they stand there. Ends with `N passed, N failed, N skipped`; exits 1 when one failed.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CONF_FILE, podCgroups, removeCgroupsSince, startInside } from "./e2e/sandbox.mjs";
import { missingPeers, PODMAN } from "./peers.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
/** The whole suite takes a third of it. */
const LIMIT_MS = 15 * 60_000;
const MANUAL = `usage: npm run e2e [-- [--keep] [--list] [CASE ...]]

  --keep   wait after each case, with its pods there to look at
  --list   say which cases there are
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
      keep: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
} catch (error) {
  fail(`${error.message}\n${MANUAL}`, 2);
}
const { values, positionals: names } = words;
if (values.help) {
  process.stdout.write(MANUAL);
  process.exit(0);
}
let cases;
try {
  await setup();
  const { findCases } = await import(join(ROOT, "test", "dist", "e2e", "main.js"));
  cases = findCases();
} catch (error) {
  fail(error.message, 1);
}
const list = cases.map(({ name, title, page }) => `  ${name.padEnd(20)} ${title} (${page})\n`).join("");
if (values.list) {
  process.stdout.write(list);
  process.exit(0);
}
const unknown = names.filter((name) => !cases.some((each) => each.name === name));
if (unknown.length > 0) fail(`there is no case ${unknown.join(", ")}; there are:\n${list}`, 2);
const missing = missingPeers([
  ...PODMAN,
  { command: "unshare", package: "util-linux" },
  { command: "ip", package: "iproute2" },
  { command: "curl", package: "curl" },
]);
if (process.platform !== "linux" || process.getuid() !== 0)
  fail("the podman suite needs Linux and root: pods get networks and memory limits of their own", 1);
if (missing.length > 0)
  fail(
    `missing: ${missing.map(({ command }) => command).join(", ")}. On Debian: npm run setup:peers && npm run setup:peers -- podman. ` +
      `Elsewhere install: ${missing.map((peer) => peer.package).join(" ")}`,
    1,
  );

const before = podCgroups();
const store = mkdtempSync("/var/tmp/outrigger-e2e-");
const inside = startInside(fileURLToPath(new URL("./e2e/inside.mjs", import.meta.url)), [
  JSON.stringify({ stage: "images", names, keep: values.keep, store }),
]);
if (values.keep)
  process.stdout.write(
    `to look from another terminal: nsenter --target $(pgrep --parent ${inside.pid}) --mount --pid env CONTAINERS_CONF=${CONF_FILE} bash\n`,
  );
let why = "";
const end = (reason) => {
  why = reason;
  // unshare's child dies with it, and with that first process every other of its namespace.
  inside.kill("SIGKILL");
};
const timer = setTimeout(() => end(`the suite took longer than ${LIMIT_MS / 60_000} minutes`), LIMIT_MS);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(signal));
const [code] = await once(inside, "exit");
clearTimeout(timer);
removeCgroupsSince(before);
rmSync(store, { recursive: true, force: true });
if (why !== "") fail(`ended: ${why}`, 1);
process.exitCode = code ?? 1;
