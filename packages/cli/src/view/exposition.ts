/** Reads the Prometheus text format (version 0.0.4) as far as the views need it: samples with labels; comments are passed over. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+\S+)?(?:\s+#.*)?$/;
const LABEL = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/y;

/** Lines that are not samples are passed over: a view shows less, and does not fail. */
export function parseExposition(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name, written = "", number] = match as unknown as [string, string, string | undefined, string];
    const labels: Record<string, string> = {};
    LABEL.lastIndex = 0;
    for (let label = LABEL.exec(written); label; label = LABEL.exec(written)) {
      labels[label[1] as string] = unescape(label[2] as string);
    }
    samples.push({ name, labels, value: parseNumber(number) });
  }
  return samples;
}

const unescape = (text: string): string => text.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
const parseNumber = (text: string): number =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : text === "NaN" ? NaN : Number(text);
