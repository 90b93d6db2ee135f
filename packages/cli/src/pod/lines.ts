/** Cuts a byte stream into lines that are never torn: at newlines, and at a bound that no line passes. */
import { StringDecoder } from "node:string_decoder";

/** What the kubelet's log files bound a piece of a line to (16 KiB), so that one endless line cannot fill the memory. */
export const MAX_LINE = 16 * 1024;

export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  readonly #limit: number;
  #rest = "";

  constructor(onLine: (line: string) => void, limit = MAX_LINE) {
    this.#onLine = onLine;
    this.#limit = limit;
  }

  write(chunk: Buffer): void {
    this.#rest += this.#decoder.write(chunk);
    let start = 0;
    for (;;) {
      const newline = this.#rest.indexOf("\n", start);
      const end = newline < 0 ? this.#rest.length : newline;
      while (end - start > this.#limit) {
        // A surrogate pair stays whole.
        const cut = start + this.#limit;
        const high = this.#rest.charCodeAt(cut - 1);
        const at = high >= 0xd800 && high < 0xdc00 ? cut - 1 : cut;
        this.#onLine(this.#rest.slice(start, at));
        start = at;
      }
      if (newline < 0) break;
      this.#onLine(this.#rest.slice(start, newline).replace(/\r$/, ""));
      start = newline + 1;
    }
    this.#rest = this.#rest.slice(start);
  }

  /** The stream has ended: what came after the last newline is a line too. */
  end(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest !== "") this.#onLine(this.#rest);
    this.#rest = "";
  }
}
