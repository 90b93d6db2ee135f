/**
 * A README as a suite: fenced blocks behind a comment `<!-- e2e: CASE -->` are what a case runs, `<!-- e2e: CASE FILE -->`
 * the files that it needs (`*` for CASE: every case of the page). In a console block `$ ` begins a command, `> ` goes on with it, and the rest is its output, in
 * which `...` on a line of its own is any lines and `[..]` any part of a line. Headings in a block's way are its title.
 */

export interface Step {
  readonly command: string;
  /** Lines that it must print. */
  readonly expected: readonly string[];
  readonly line: number;
}

export interface Case {
  readonly name: string;
  readonly page: string;
  /** The heading under which its first block stands; the page's own where the page is one case. */
  readonly title: string;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly steps: readonly Step[];
}

interface Draft {
  readonly title: string;
  readonly files: { path: string; text: string }[];
  readonly steps: Step[];
}

const MARK = /^<!-- e2e: *(\S+)(?: +(\S+))? *-->$/;
const EVERY_CASE = "*";
const FENCE = /^(`{3,})(\S*)$/;
/** In the case's own folder, which is new. */
const FILE_PATH = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;

/**
 * @param page its path, for messages
 * @throws where a mark has no block, or a block is no transcript: what is not run must not look as if it were
 */
export function parsePage(page: string, text: string): Case[] {
  const drafts = new Map<string, Draft>();
  const lines = text.split("\n");
  let title = "";
  let pageTitle = "";
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const refuse = (why: string): never => {
      throw new Error(`${page}:${index + 1}: ${why}`);
    };
    const heading = /^#+ +(.+)$/.exec(line)?.[1];
    if (heading !== undefined) title = heading;
    if (pageTitle === "") pageTitle = title;
    const fence = FENCE.exec(line);
    if (fence) {
      index = endOf(lines, index, fence[1] ?? "", page);
      continue;
    }
    const mark = MARK.exec(line);
    if (!mark) {
      if (/^\s*<!--\s*e2e\b/.test(line)) refuse("a mark is <!-- e2e: CASE --> or <!-- e2e: CASE FILE -->");
      continue;
    }
    const [, name = "", path] = mark;
    const begin = index + 1 + (lines[index + 1] === "" ? 1 : 0);
    const opened = FENCE.exec(lines[begin] ?? "");
    if (!opened) {
      refuse("no fenced block follows this mark");
      continue;
    }
    const end = endOf(lines, begin, opened[1] ?? "", page);
    const body = lines.slice(begin + 1, end);
    const draft = drafts.get(name) ?? { title, files: [], steps: [] };
    drafts.set(name, draft);
    if (path === undefined) {
      if (name === EVERY_CASE) refuse("what runs belongs to one case");
      if (opened[2] !== "console")
        refuse(`what a case runs is a \`\`\`console block, not ${opened[2] || "plain"}`);
      draft.steps.push(...parseConsole(page, body, begin + 2));
    } else {
      if (!FILE_PATH.test(path)) refuse(`${path} is no path below the case's folder`);
      draft.files.push({ path, text: `${body.join("\n")}\n` });
    }
    index = end;
  }
  const shared = drafts.get(EVERY_CASE)?.files ?? [];
  drafts.delete(EVERY_CASE);
  return [...drafts].map(([name, { title, files, steps }]) => {
    const draft = { title: drafts.size === 1 ? pageTitle : title, files: [...shared, ...files], steps };
    if (draft.steps.length === 0) throw new Error(`${page}: case ${name} has files and runs nothing`);
    return { name, page, ...draft };
  });
}

function endOf(lines: readonly string[], begin: number, fence: string, page: string): number {
  const end = lines.indexOf(fence, begin + 1);
  if (end < 0) throw new Error(`${page}:${begin + 1}: this block has no end`);
  return end;
}

function parseConsole(page: string, lines: readonly string[], first: number): Step[] {
  const steps: { command: string; expected: string[]; line: number }[] = [];
  let open = false;
  for (const [offset, line] of lines.entries()) {
    const last = steps.at(-1);
    if (line.startsWith("$ ")) {
      steps.push({ command: line.slice(2), expected: [], line: first + offset });
      open = true;
    } else if (open && last && (line === ">" || line.startsWith("> "))) {
      last.command += `\n${line.slice(2)}`;
    } else if (last) {
      open = false;
      last.expected.push(line);
    } else throw new Error(`${page}:${first + offset}: a console block begins with a command, "$ ..."`);
  }
  return steps;
}
