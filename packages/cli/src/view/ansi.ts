/** The few terminal sequences that the views use, and the width of what they print. */

export const RESET = "\x1b[0m";
export const BOLD = "\x1b[1m";
export const DIM = "\x1b[2m";
export const RED = "\x1b[31m";
export const GREEN = "\x1b[32m";
export const YELLOW = "\x1b[33m";
/** Prefix colours: told apart on dark and light ground; red and yellow stay for what is wrong. */
export const PREFIX_COLOURS = [
  "\x1b[36m",
  "\x1b[35m",
  "\x1b[34m",
  "\x1b[32m",
  "\x1b[96m",
  "\x1b[95m",
  "\x1b[94m",
  "\x1b[92m",
];

/** Alternate screen, cursor hidden; and back. */
export const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
export const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";
export const HOME = "\x1b[H";
export const CLEAR_LINE = "\x1b[K";
export const CLEAR_BELOW = "\x1b[J";

// eslint-disable-next-line no-control-regex
const SEQUENCE =
  /(?:\x1b\[|\x9b)[0-9:;<=>?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)|\x1b[@-Z\\^_]/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;

export const stripAnsi = (text: string): string => text.replace(SEQUENCE, "");

/**
 * What a workload wrote as it may be shown: colours stay where colours are on; nothing that moves the cursor does,
 * of C0 and C1 only tab and newline.
 */
export function harmless(line: string, colours: boolean): string {
  const kept = line.replace(SEQUENCE, (sequence) =>
    colours && /^\x1b\[[0-9;]*m$/.test(sequence) ? sequence : "",
  );
  return kept.replace(CONTROL, "").replace(colours ? /\x1b(?!\[[0-9;]*m)/g : /\x1b/g, "");
}

/** Cuts a text with colours to so many columns. Wide characters count as two (East Asian wide and emoji blocks). */
export function fit(text: string, columns: number): string {
  let width = 0;
  let out = "";
  let at = 0;
  while (at < text.length) {
    if (text[at] === "\x1b") {
      SEQUENCE.lastIndex = at;
      const match = SEQUENCE.exec(text);
      if (match && match.index === at) {
        out += match[0];
        at += match[0].length;
        continue;
      }
    }
    const point = text.codePointAt(at) as number;
    const character = String.fromCodePoint(point);
    const wide = isWide(point) ? 2 : 1;
    if (width + wide > columns) return `${out}${out.includes("\x1b") ? RESET : ""}`;
    out += character;
    width += wide;
    at += character.length;
  }
  return out;
}

function isWide(point: number): boolean {
  return (
    (point >= 0x1100 && point <= 0x115f) ||
    (point >= 0x2e80 && point <= 0xa4cf) ||
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xfe30 && point <= 0xfe6f) ||
    (point >= 0xff00 && point <= 0xff60) ||
    (point >= 0x1f300 && point <= 0x1faff) ||
    (point >= 0x20000 && point <= 0x3fffd)
  );
}
