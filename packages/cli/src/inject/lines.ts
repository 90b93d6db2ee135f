/** A text to which whole lines are added, or from which they are taken: nothing else of it changes, not one byte. */

/** Whole lines, without their line breaks, that come to stand at an offset: a line's beginning, or the text's end. */
export interface Insertion {
  readonly at: number;
  readonly lines: readonly string[];
}

/** Bytes that go: `[from, to)`. */
export interface Removal {
  readonly from: number;
  readonly to: number;
}

export const lineStart = (text: string, offset: number): number => text.lastIndexOf("\n", offset - 1) + 1;

/** Behind the line break of the line in which the offset is; the text's end where there is none. */
export function lineEnd(text: string, offset: number): number {
  const at = text.indexOf("\n", offset);
  return at < 0 ? text.length : at + 1;
}

export const columnOf = (text: string, offset: number): number => {
  const start = lineStart(text, offset);
  // A byte order mark takes no column.
  return offset - start - (text.startsWith("\uFEFF", start) ? 1 : 0);
};

/** The rest of the line from an offset on, without its line break. */
export const restOfLine = (text: string, offset: number): string =>
  text.slice(offset, lineEnd(text, offset)).replace(/\r?\n$/, "");

/** Insertions at one place stand in their order. A text that ends without a line break still does. */
export function insertLines(text: string, insertions: readonly Insertion[]): string {
  // Not one growing string: to look at its end would copy all of it, for each insertion.
  const parts: string[] = [];
  let from = 0;
  for (const { at, lines } of [...insertions].sort((a, b) => a.at - b.at)) {
    parts.push(text.slice(from, at));
    from = at;
    const lineBreak = breakBefore(text, at);
    const open = at > 0 && text[at - 1] !== "\n";
    const block = lines.join(lineBreak);
    parts.push(open ? lineBreak + block : block + lineBreak);
  }
  return parts.join("") + text.slice(from);
}

/** The undoing: whole lines at the end of a text without a last line break take the one before them along. */
export function removeText(text: string, removals: readonly Removal[]): string {
  let [result, from] = ["", 0];
  for (const { from: start, to } of [...removals].sort((a, b) => a.from - b.from)) {
    result += text.slice(from, start);
    from = Math.max(from, to);
  }
  const open = from === text.length && from > 0 && !text.endsWith("\n");
  return open ? result.replace(/\r?\n$/, "") : result + text.slice(from);
}

/** As the line before ends, so do ours. */
function breakBefore(text: string, at: number): string {
  const found = text.lastIndexOf("\n", at - 1);
  const near = found >= 0 ? found : text.indexOf("\n");
  return near > 0 && text[near - 1] === "\r" ? "\r\n" : "\n";
}
