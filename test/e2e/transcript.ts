/** Compares what a command printed with what its page says: `...` is any lines, `[..]` any part of one line. */

/** @returns null where they agree, else the first line of the page for which there is none */
export function disagreement(expected: readonly string[], printed: string): string | null {
  const wanted = trimEnd(expected);
  const lines = trimEnd(printed.split("\n"));
  // reach[n]: the page's lines so far can be the first n printed ones.
  let reach = new Set([0]);
  for (const want of wanted) {
    const next = new Set<number>();
    if (want === "...") {
      for (let n = Math.min(...reach); n <= lines.length; n++) next.add(n);
    } else {
      const pattern = linePattern(want);
      for (const n of reach)
        if (n < lines.length && pattern.test((lines[n] ?? "").trimEnd())) next.add(n + 1);
    }
    if (next.size === 0) return `the page has: ${want}`;
    reach = next;
  }
  if (reach.has(lines.length)) return null;
  return `the page has no line for: ${lines[Math.max(...reach)] ?? ""}`;
}

function linePattern(want: string): RegExp {
  const parts = want.trimEnd().split("[..]");
  return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*")}$`);
}

function trimEnd(lines: readonly string[]): string[] {
  const kept = [...lines];
  while (kept.length > 0 && kept.at(-1)?.trim() === "") kept.pop();
  return kept;
}
