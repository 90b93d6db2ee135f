import assert from "node:assert/strict";
import { test } from "node:test";
import { envName, parseFlags } from "./flags.ts";
import { formatProblem } from "./problem.ts";

const shapes = [
  { name: "route", value: "ROUTE", repeated: true },
  { name: "log-level", value: "LEVEL" },
  { name: "debug" },
];

function read(...argv: string[]) {
  const { values, problems } = parseFlags(argv, shapes);
  return { values: Object.fromEntries(values), problems: problems.map(formatProblem) };
}

test("a value comes after the flag or after an equals sign, and may hold equals signs and dashes", () => {
  assert.deepEqual(read("--route", "1=a://b?c=d", "--route=2=e://f", "--log-level=-x", "--debug"), {
    values: { route: ["1=a://b?c=d", "2=e://f"], "log-level": ["-x"], debug: ["true"] },
    problems: [],
  });
  assert.deepEqual(read("--debug=false").values, { debug: ["false"] });
});

for (const [argv, problem] of [
  [["--log-levle", "debug"], "--log-levle: unknown flag (did you mean --log-level?); --help shows all flags"],
  [["--nothing-like-it"], "--nothing-like-it: unknown flag; --help shows all flags"],
  [["-x"], '"-x": unknown flag; --help shows all flags'],
  [["-p", "hunter2"], '"-p": unknown flag; --help shows all flags'],
  [["8001"], '"8001": found a bare argument, accepted: flags only; --help shows all flags'],
  [
    ["6379=redis://me:hunter2@r0"],
    '"6379=redis://**********@r0": found a bare argument, accepted: flags only; --help shows all flags',
  ],
  [["--log-level"], "--log-level: has no value, accepted: --log-level LEVEL"],
  [["--log-level", "--debug"], "--log-level: has no value, accepted: --log-level LEVEL"],
  [["--log-level=a", "--log-level=b"], "--log-level: is given twice, accepted: once"],
] as const) {
  test(`${argv.join(" ")} is refused: ${problem}`, () => assert.deepEqual(read(...argv).problems, [problem]));
}

test("a flag's environment twin is its name in upper case", () => {
  assert.equal(envName({ name: "log-level" }), "OUTRIGGER_LOG_LEVEL");
  assert.equal(envName({ name: "x", env: "Y" }), "Y");
});
