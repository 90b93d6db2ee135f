/**
 * Finds what each alias of a document stands for, and refuses what could not be read in bounded time and space: cycles,
 * aliases of aliases that multiply ("billion laughs"), nesting without an end. One walk, linear in what is written:
 * size(node) = 1 + the sizes of its parts, size(alias) = size(what it stands for).
 */
import { isAlias, isMap, isPair, isScalar, isSeq, type Alias, type Node } from "yaml";

/** How many values aliases may add to those that are written: far more than any manifest's anchors do. */
const MOST_ADDED = 100_000;
/** A PodSpec is about twelve deep. */
const DEEPEST = 100;
/** A sentence about a value. */
export const TOO_DEEP = `is nested deeper than ${DEEPEST} levels, which no manifest is: close the brackets, or take levels out`;

interface Measure {
  readonly size: number;
  readonly depth: number;
}
const NOTHING: Measure = { size: 0, depth: 0 };

export type Report = (at: unknown, message: string) => void;

export class Aliases {
  readonly #targets = new Map<Alias, Node>();
  readonly #anchors = new Map<string, Node>();
  readonly #measures = new Map<Node, Measure>();
  readonly #report: Report;
  #written = 0;
  #tooDeep = false;

  /** @param report is told each problem; a document with one must not be read further */
  constructor(root: Node | null, report: Report) {
    this.#report = report;
    const { size, depth } = this.#measure(root, 0);
    if (size - this.#written > MOST_ADDED)
      report(root, `its aliases add more than ${MOST_ADDED} values to those that are written: write it out`);
    else if (depth > DEEPEST) this.#sayTooDeep(root);
  }

  /** @returns the node itself where it is no alias */
  resolve(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  /** The aliases that stand for this very node. */
  usersOf(node: unknown): Alias[] {
    return [...this.#targets].filter(([, target]) => target === node).map(([alias]) => alias);
  }

  #measure(node: unknown, level: number): Measure {
    if (isAlias(node)) return this.#follow(node);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return NOTHING;
    this.#written++;
    // The anchor is known inside already: that is what makes a cycle.
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    let [size, depth] = [1, 0];
    if (!isScalar(node)) {
      if (level >= DEEPEST) {
        this.#sayTooDeep(node);
        return NOTHING;
      }
      for (const item of node.items as unknown[]) {
        for (const part of isPair(item) ? [item.key, item.value] : [item]) {
          const inside = this.#measure(part, level + 1);
          size += inside.size;
          depth = Math.max(depth, inside.depth);
        }
      }
      if (isMap(node)) this.#checkKeys(node.items.map(({ key }) => key));
    }
    const measure = { size, depth: depth + 1 };
    this.#measures.set(node, measure);
    return measure;
  }

  #follow(alias: Alias): Measure {
    const target = this.#anchors.get(alias.source);
    if (!target) {
      const known = [...this.#anchors.keys()].slice(-10).join(", ");
      this.#report(
        alias,
        `*${alias.source} names no anchor that stands before it; there ${known === "" ? "are none" : `are: ${known}`}`,
      );
      return NOTHING;
    }
    const measure = this.#measures.get(target);
    if (!measure) {
      this.#report(alias, `*${alias.source} stands inside what it names (&${alias.source}): it has no end`);
      return NOTHING;
    }
    this.#targets.set(alias, target);
    return measure;
  }

  #checkKeys(keys: readonly unknown[]): void {
    const seen = new Set<string>();
    for (const node of keys) {
      const key = this.resolve(node);
      if (isMap(key) || isSeq(key)) this.#report(node, "found a mapping or list as a key, accepted: a name");
      if (!isScalar(key)) continue;
      const name = key.source ?? String(key.value);
      if (seen.has(name) && name !== "<<")
        this.#report(node, `the key ${JSON.stringify(name)} is written twice in one mapping`);
      seen.add(name);
    }
  }

  #sayTooDeep(at: unknown): void {
    if (!this.#tooDeep) this.#report(at, TOO_DEEP);
    this.#tooDeep = true;
  }
}
