/** The podman suite: runs the cases of the pages, each in a folder and a shell of its own, and removes its pods. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parsePage, type Case } from "./page.ts";
import { podman } from "./podman.ts";
import { Session } from "./session.ts";
import { disagreement } from "./transcript.ts";

/** Seen from test/dist/e2e. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Longest that a command of a page may take, in milliseconds. */
const COMMAND_LIMIT = 90_000;

/** The cases of every page, in the order in which they run. @throws where two have one name, or a page is wrong */
export function findCases(): Case[] {
  const folders = ["examples", "packages"].flatMap((parent) =>
    readdirSync(join(ROOT, parent))
      .sort()
      .map((name) => join(parent, name)),
  );
  const pages = [...folders, "test/e2e"]
    .map((name) => join(name, "README.md"))
    .filter((page) => existsSync(join(ROOT, page)));
  const cases = pages.flatMap((page) => parsePage(page, readFileSync(join(ROOT, page), "utf8")));
  for (const { name, page } of cases)
    if (cases.filter((each) => each.name === name).length > 1)
      throw new Error(`${page}: case ${name} is there twice`);
  return cases;
}

export interface SuiteOptions {
  readonly names: readonly string[];
  /** Called after each case, with its pods still there. */
  readonly keep?: (name: string) => Promise<void>;
  readonly say: (text: string) => void;
}

/** @returns how many passed and failed */
export async function runCases(options: SuiteOptions): Promise<{ passed: number; failed: number }> {
  const { names, keep, say } = options;
  const counts = { passed: 0, failed: 0 };
  for (const each of findCases().filter(({ name }) => names.length === 0 || names.includes(name))) {
    const began = performance.now();
    say(`     ${each.name}: ${each.title} (${each.page})\n`);
    const folder = mkdtempSync(join(tmpdir(), `outrigger-e2e-${each.name}-`));
    let problem: string | null = null;
    try {
      problem = await runCase(each, folder, say);
      if (problem !== null) say(await podsReport());
      if (keep) await keep(each.name);
    } finally {
      const left = await removePods();
      problem ??= left;
      rmSync(folder, { recursive: true, force: true });
    }
    counts[problem === null ? "passed" : "failed"]++;
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    if (problem !== null) say(`${problem.replace(/^/gm, "     ")}\n`);
    say(`${problem === null ? "ok  " : "FAIL"} ${each.name}  ${seconds} s\n`);
  }
  return counts;
}

/** @returns what is wrong, or null */
async function runCase(each: Case, folder: string, say: (text: string) => void): Promise<string | null> {
  for (const { path, text } of each.files) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const PATH = [join(ROOT, "test/e2e/bin"), join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(
    delimiter,
  );
  await using session = new Session(folder, { ...process.env, PATH });
  for (const { command, expected, line } of each.steps) {
    const began = performance.now();
    const shown = command.replace(/\n/g, "\n       > ");
    say(`       $ ${shown}\n`);
    let printed;
    try {
      printed = await session.run(command, COMMAND_LIMIT);
    } catch (error) {
      return `${each.page}:${line}: ${(error as Error).message}`;
    }
    const seconds = (performance.now() - began) / 1_000;
    if (printed.output !== "") say(printed.output.trimEnd().replace(/^/gm, "       | ") + "\n");
    if (seconds > 1) say(`         (${seconds.toFixed(1)} s)\n`);
    if (printed.code !== 0) return `${each.page}:${line}: exit code ${printed.code}`;
    const difference = disagreement(expected, printed.output);
    if (difference !== null) return `${each.page}:${line}: it printed something else; ${difference}`;
  }
  return null;
}

/** What the pods' containers said last, for who looks for the reason. */
async function podsReport(): Promise<string> {
  let report = "";
  try {
    report += `${await podman("ps", "--all", "--format", "{{.Names}} {{.Status}}")}\n`;
    for (const name of (await podman("ps", "--all", "--format", "{{.Names}}")).split("\n"))
      if (!name.endsWith("-infra")) report += `--- ${name}\n${await podman("logs", "--tail", "15", name)}\n`;
  } catch (error) {
    report += `${(error as Error).message}\n`;
  }
  return report.replace(/^/gm, "     ");
}

/** @returns what could not be removed, or null */
async function removePods(): Promise<string | null> {
  try {
    await podman("pod", "rm", "--all", "--force", "--time", "0");
    await podman("rm", "--all", "--force", "--time", "0");
    await podman("volume", "rm", "--all", "--force");
    const left = await podman("ps", "--all", "--quiet");
    return left === "" ? null : `these containers could not be removed: ${left}`;
  } catch (error) {
    return `cannot clean up: ${(error as Error).message}`;
  }
}
