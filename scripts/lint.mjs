/** npm run lint: formatting, rules, one-way imports, and that every dependency loads on the oldest Node we promise. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importProblems } from "./import-rules.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OLDEST = [20, 19, 0];
let failed = false;

function run(name, script, args) {
  const result = spawnSync(process.execPath, [join(ROOT, "node_modules", script), ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  report(name, result.status === 0 ? [] : [`${result.stdout}${result.stderr}`]);
}

function report(name, problems) {
  process.stdout.write(`${problems.length === 0 ? "ok  " : "FAIL"} lint: ${name}\n`);
  for (const problem of problems)
    process.stdout.write(`     ${problem.trimEnd().replaceAll("\n", "\n     ")}\n`);
  if (problems.length > 0) failed = true;
}

run("formatting (npm run format mends it)", "prettier/bin/prettier.cjs", [
  "--check",
  "--log-level=warn",
  "packages",
  "scripts",
  "test",
  "examples",
]);
run("rules, types, imports that run one way", "oxlint/bin/oxlint", []);
report("imports stay in their package, and main.ts is imported by nobody", importProblems(ROOT));
report("every run-time dependency loads on Node 20.19", enginesProblems());
report("package.json of each package lists what its imports need, and no more", manifestProblems());
process.exit(failed ? 1 : 0);

/** Run-time packages of the lock file whose `engines` refuse the oldest Node. */
function enginesProblems() {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  return Object.entries(lock.packages)
    .filter(
      ([path, entry]) =>
        path.startsWith("node_modules/") &&
        !entry.dev &&
        !entry.devOptional &&
        !entry.link &&
        entry.engines?.node,
    )
    .filter(([, entry]) => !allows(entry.engines.node))
    .map(
      ([path, entry]) =>
        `${path.replace("node_modules/", "")} ${entry.version} wants Node ${entry.engines.node}`,
    );
}

/** Whether a range such as `^16 || ^18.17.0 || >=20.5` has our oldest Node: the forms that packages really use. */
function allows(range) {
  // "split2" writes ">= 10.x": the sign belongs to its number.
  const tidy = range.replace(/([<>=~^])\s+(?=\d)/g, "$1");
  return tidy.split("||").some((alternative) =>
    alternative
      .trim()
      .split(/\s+(?=[\^<>=~\d])/)
      .every((comparator) => {
        const match = /^(\^|~|>=|>|<=|<|=)?\s*v?(\d+|\*|x)(?:\.(\d+|x))?(?:\.(\d+|x))?/.exec(
          comparator.trim(),
        );
        if (!match) return comparator.trim() === "*" || comparator.trim() === "";
        const [, sign = "=", ...rest] = match;
        const wanted = rest.map((part) => Number(part ?? 0) || 0);
        const order =
          OLDEST.map((part, index) => part - wanted[index]).find((difference) => difference !== 0) ?? 0;
        if (sign === ">=" || sign === ">") return order >= 0;
        if (sign === "<=" || sign === "<") return order <= 0 && !(sign === "<" && order === 0);
        if (sign === "^" || (sign === "=" && rest[1] === undefined))
          return OLDEST[0] === wanted[0] && order >= 0;
        return order === 0;
      }),
  );
}

function manifestProblems() {
  const problems = [];
  for (const name of readdirSync(join(ROOT, "packages"))) {
    const folder = join(ROOT, "packages", name);
    if (!existsSync(join(folder, "package.json"))) continue;
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const used = new Set();
    for (const file of sources(join(folder, "src"))) {
      for (const [, specifier] of readFileSync(file, "utf8").matchAll(
        /^(?:import|export)\b[^;"']*?\bfrom "([^".][^"]*)"/gm,
      )) {
        if (specifier.startsWith("node:")) continue;
        used.add(
          specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/"),
        );
      }
    }
    const code = [...sources(join(folder, "src"))].map((file) => readFileSync(file, "utf8")).join("\n");
    for (const dependency of used)
      if (!(dependency in dependencies))
        problems.push(`packages/${name} imports ${dependency}, which its package.json does not list`);
    for (const dependency of Object.keys(dependencies)) {
      // Some are loaded when they are needed, by import() or require(), or read by a path in them.
      if (
        !used.has(dependency) &&
        ![`("${dependency}")`, `("${dependency}/`].some((call) => code.includes(call))
      )
        problems.push(`packages/${name} lists ${dependency}, which nothing in it imports`);
    }
  }
  return problems;
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "testing") yield* sources(path);
    } else if (path.endsWith(".ts") && !/\.(test|testing)\.ts$/.test(path)) yield path;
  }
}
