/** A YAML file of manifests as a syntax tree with positions, read with YAML 1.1's rules as kubectl reads it (0644 is octal). */
import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { Aliases, TOO_DEEP } from "./aliases.ts";

export type Path = readonly (string | number)[];

/** Something that is wrong in a manifest, and where. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As kubectl writes it: `spec.containers[1].env[0].valueFrom`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${path}${problem.message}`;
}

/** Names as a message lists them: not fifty thousand. */
export function listing(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length > 20 ? ` and ${all.length - 20} more` : "";
  return all.slice(0, 20).join(", ") + more;
}

/** One document of a file. */
export class ManifestDocument {
  readonly file: string;
  readonly root: Node | null;
  readonly #aliases: Aliases;
  readonly #lines: LineCounter;

  /** @param problems is told of aliases that cannot be followed: the document must not be read then */
  constructor(file: string, contents: Node | null, lines: LineCounter, problems: Problem[]) {
    this.file = file;
    this.#lines = lines;
    this.root = contents;
    this.#aliases = new Aliases(this.root, (at, message) =>
      problems.push({ file, ...this.position(at), path: "", message: `not usable YAML: ${message}` }),
    );
  }

  /** Follows an alias to what it stands for. */
  resolve(node: unknown): unknown {
    return this.#aliases.resolve(node);
  }

  /** The pairs of a mapping with `<<` merged in; what is written beside it wins. */
  pairs(node: YAMLMap): Map<string, Pair> {
    const merged = new Map<string, Pair>();
    const own = new Map<string, Pair>();
    for (const pair of node.items) {
      const key = this.keyOf(pair);
      if (key !== "<<") {
        own.set(key, pair);
        continue;
      }
      const source = this.resolve(pair.value);
      for (const from of isSeq(source) ? source.items.map((item) => this.resolve(item)) : [source]) {
        if (!isMap(from)) continue;
        for (const [name, inherited] of this.pairs(from)) if (!merged.has(name)) merged.set(name, inherited);
      }
    }
    return new Map([...merged, ...own]);
  }

  /** The plain value of a node: aliases and << followed, keys as they are written. */
  plain(node: unknown): unknown {
    const at = this.resolve(node);
    if (isMap(at))
      return Object.fromEntries([...this.pairs(at)].map(([key, pair]) => [key, this.plain(pair.value)]));
    if (isSeq(at)) return at.items.map((item) => this.plain(item));
    return isScalar(at) ? at.value : null;
  }

  /** The aliases that stand for this very node. */
  usersOf(node: unknown): readonly Alias[] {
    return this.#aliases.usersOf(node);
  }

  /** A key as it is written: `on: x` has the key "on", whatever YAML 1.1 thinks of it. */
  keyOf(pair: Pair): string {
    const key = this.resolve(pair.key);
    if (isScalar(key)) return key.source ?? String(key.value);
    return "";
  }

  /** Where the value at a path is written; of a path that is not there, the nearest part of it that is. */
  locate(path: Path): { line: number; column: number } {
    return this.position(this.#at(path));
  }

  #at(path: Path): unknown {
    let node: unknown = this.root;
    let found: unknown = node;
    for (const step of path) {
      const inside = this.resolve(node);
      if (isMap(inside) && typeof step === "string") {
        const pair = this.pairs(inside).get(step);
        if (!pair) break;
        node = pair.value ?? pair.key;
      } else if (isSeq(inside) && typeof step === "number") {
        node = inside.items[step];
      } else break;
      if (node === undefined || node === null) break;
      found = node;
    }
    return found;
  }

  position(node: unknown): { line: number; column: number } {
    const at = isPair(node) ? node.key : node;
    const range = (at as Node | null)?.range;
    const { line, col } = this.#lines.linePos(range?.[0] ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The line before a literal block's (`key: |`) first; null where the value at the path is none. */
  lineOfBlock(path: Path): number | null {
    const node = this.resolve(this.#at(path));
    return isScalar(node) && node.type === "BLOCK_LITERAL" ? this.position(node).line : null;
  }

  problem(path: Path, message: string, at?: unknown): Problem {
    const position = at === undefined ? this.locate(path) : this.position(at);
    return { file: this.file, ...position, path: formatPath(path), message };
  }
}

/** Splits a file into its documents. Syntax errors become problems; empty documents are passed over. */
export function readDocuments(file: string, text: string, problems: Problem[]): ManifestDocument[] {
  const lines = new LineCounter();
  const tooDeep = (offset: number): void => {
    const { line, col } = lines.linePos(offset);
    problems.push({
      file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: "",
      message: `not usable YAML: ${TOO_DEEP}`,
    });
  };
  let trees: ReturnType<typeof parseAllDocuments>;
  try {
    trees = parseAllDocuments(text, {
      lineCounter: lines,
      version: "1.1",
      prettyErrors: false,
      logLevel: "silent",
      // The parser compares every key with every other; Aliases looks them up.
      uniqueKeys: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tooDeep(0);
    return [];
  }
  const documents: ManifestDocument[] = [];
  for (const tree of Array.isArray(trees) ? trees : []) {
    // Where the parser's stack ends it gives up, and says of every bracket that it has no end.
    const givenUp = tree.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
    if (givenUp) tooDeep(givenUp.pos[0]);
    for (const error of givenUp ? [] : tree.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      problems.push({ file, line, column: col, path: "", message: `not YAML: ${unquoted(error.message)}` });
    }
    if (tree.errors.length > 0 || tree.contents === null) continue;
    if (isScalar(tree.contents) && tree.contents.value === null) continue;
    const before = problems.length;
    const document = new ManifestDocument(file, tree.contents, lines, problems);
    if (problems.length === before) documents.push(document);
  }
  return documents;
}

/** The parser quotes what it could not read, which may be a piece of a Secret. */
const unquoted = (message: string): string =>
  message.replace(
    /^(Unexpected \S+ token in YAML \w+|Not a YAML token|Block scalar header includes extra characters|Invalid escape sequence)[^]*/,
    "$1",
  );
