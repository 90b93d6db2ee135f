/** The merged log: every container's lines and run's own, each behind its name, whole, in the order of arrival. */
import { harmless, PREFIX_COLOURS, RED, RESET, YELLOW } from "./ansi.ts";
import { renderJsonLine } from "./json-line.ts";

export type Level = "info" | "warn" | "error";

export interface LogOptions {
  readonly colours: boolean;
  /** raw: JSON lines of containers stay as they are. */
  readonly raw: boolean;
  /** Every name that will write, so that the prefixes align. */
  readonly names: readonly string[];
  write(line: string): void;
}

/** The name under which run itself speaks. */
export const OWN_NAME = "outrigger";

export class Log {
  readonly #options: LogOptions;
  readonly #width: number;
  readonly #colours = new Map<string, string>();

  constructor(options: LogOptions) {
    this.#options = options;
    this.#width = Math.max(OWN_NAME.length, ...options.names.map((name) => name.length));
    for (const [index, name] of options.names.entries()) {
      this.#colours.set(name, PREFIX_COLOURS[index % PREFIX_COLOURS.length] as string);
    }
  }

  /** A line that a container wrote. */
  output(name: string, line: string): void {
    const { colours, raw } = this.#options;
    const text = harmless(raw ? line : (renderJsonLine(line, colours) ?? line), colours);
    // A message of several lines has the name before each: none can pass for another container's.
    for (const part of text.split("\n")) this.#options.write(this.#prefix(name) + part);
  }

  /** A sentence of run itself, about a container or (name null) the whole. */
  say(name: string | null, level: Level, message: string): void {
    const { colours } = this.#options;
    // A probe's output may be in it, which is a workload's.
    const text = harmless(name === null ? message : `${name}: ${message}`, false);
    const colour = level === "error" ? RED : level === "warn" ? YELLOW : "";
    for (const part of text.split("\n"))
      this.#options.write(this.#prefix(OWN_NAME) + (colours && colour !== "" ? colour + part + RESET : part));
  }

  #prefix(name: string): string {
    const padded = `${name.padEnd(this.#width)} | `;
    const colour = this.#colours.get(name) ?? "";
    return this.#options.colours && colour !== "" ? `${colour}${padded}${RESET}` : padded;
  }
}
