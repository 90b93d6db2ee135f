/** The words of one command: its table of flags read, and shown in its manual. */
import { closest, OutriggerError } from "@outrigger/core";

export interface Flag {
  readonly name: string;
  /** null: the flag takes no value. */
  readonly value: string | null;
  readonly help: string;
  readonly repeated?: boolean;
  /** `-f` */
  readonly short?: string;
}

export interface Words {
  /** What is no flag, in order; `-` among them. */
  readonly operands: readonly string[];
  /** A flag without a value has "". */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** Thrown for a command line that cannot be understood: code `usage`, exit code 2. */
export const usageError = (message: string): OutriggerError => new OutriggerError("usage", message);

/** @param command whose manual a message names */
export function readWords(words: readonly string[], flags: readonly Flag[], command: string): Words {
  const operands: string[] = [];
  const values = new Map<string, string[]>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const written = equals < 0 ? word : word.slice(0, equals);
    const flag = flags.find(({ name, short }) => name === written || short === written);
    if (!flag) {
      const near = closest(
        written,
        flags.map((each) => each.name),
      );
      throw usageError(
        `unknown flag ${written}${near ? `, did you mean ${near}?` : "."} See outrigger ${command} --help`,
      );
    }
    const { name } = flag;
    const given = values.get(name) ?? [];
    values.set(name, given);
    if (flag.value === null) {
      if (equals >= 0) throw usageError(`${name} takes no value`);
      given.push("");
      continue;
    }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1);
    if (value === undefined) throw usageError(`${name} needs a value: ${name} ${flag.value}`);
    if (given.length > 0 && flag.repeated !== true) throw usageError(`${name} is given twice`);
    given.push(value);
  }
  return { operands, values };
}

/** The flags as a manual lists them. */
export function flagLines(flags: readonly Flag[]): string {
  return flags
    .map(({ name, short, value, help }) => {
      const head = [...(short === undefined ? [] : [short]), name].join(", ");
      const lines = wrap(help, 92).map((line) => `      ${line}`);
      return `  ${head}${value === null ? "" : ` ${value}`}\n${lines.join("\n")}`;
    })
    .join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
