/**
 * npm run chaos [-- --short] [--seed N] [NAME ...]: what the patterns promise, tried on real
 * processes that are killed, stopped and restarted. NAME: a scenario, or `elector` or `queue` for all of that. Ends with `N passed, N failed, N skipped`, a scenario being one test; exits
 * 1 when one failed. The full form (not --short) keeps its figures in test/chaos/results/chaos.json.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const USAGE = `usage: npm run chaos [-- [--short] [--seed N] [NAME ...]]

  NAME     a scenario, or elector or queue for all of that; a name that there is not is answered with those that there are
  --short  seconds of each in place of minutes; keeps no figures
  --seed   the same draws again
`;
const usage = (problem) => {
  process.stderr.write(`${problem}\n${USAGE}`);
  process.exit(2);
};
let words;
try {
  words = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: "boolean", default: false },
      seed: { type: "string" },
      help: { type: "boolean" },
    },
  });
} catch (error) {
  usage(error.message);
}
const { short, seed: seedText, help } = words.values;
if (help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const seed = seedText === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
if (!Number.isSafeInteger(seed) || seed < 0) usage(`--seed ${seedText}: found no whole number`);
try {
  await setup();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { ALL_SCENARIOS, isChosen, runChaos } = await import(join(ROOT, "test", "dist", "chaos", "main.js"));
const names = words.positionals;
const unknown = names.filter((name) => !ALL_SCENARIOS.some((scenario) => isChosen(scenario.name, [name])));
if (unknown.length > 0)
  usage(
    `there is no scenario ${unknown.join(", ")}; there are:\n${ALL_SCENARIOS.map(({ name, promise }) => `  ${name.padEnd(18)} ${promise}`).join("\n")}`,
  );
process.stdout.write(`seed ${seed}\n`);
const result = await runChaos({ names, short, seed, say: (text) => process.stdout.write(text) });
if (!short) {
  const file = join(ROOT, "test", "chaos", "results", "chaos.json");
  mkdirSync(dirname(file), { recursive: true });
  // A scenario that was run by itself takes the place of its former result.
  const former = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const merged = (part) =>
    ALL_SCENARIOS.flatMap(
      ({ name }) =>
        result[part].find((each) => each.name === name) ??
        former[part]?.find((each) => each.name === name) ??
        [],
    );
  writeFileSync(
    file,
    `${JSON.stringify({ ...result, scenarios: merged("scenarios"), elector: merged("elector"), queue: merged("queue") }, null, 2)}\n`,
  );
}
const all = [...result.scenarios, ...result.elector, ...result.queue];
const played = all.filter(({ skipped }) => skipped === undefined);
const failed = played.filter(({ broken }) => broken.length > 0).length;
process.stdout.write(
  `\n${played.length - failed} passed, ${failed} failed, ${all.length - played.length} skipped\n`,
);
process.exit(failed > 0 ? 1 : 0);
