/**
 * Reads HTTP/1.1 answers off a connection as a strict client does (RFC 9112): only what is framed by Content-Length or
 * chunked and came whole is an answer. It shares no code with the engine that is tested by it.
 */

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  /** The server said that it closes the connection. */
  readonly close: boolean;
}

type Head = Pick<Answer, "status" | "fields">;

const END_OF_HEAD = "\r\n\r\n";

export class AnswerReader {
  /** Bytes not yet understood, as latin1. */
  #pending = "";
  #head: Head | null = null;
  #body = "";

  /** Something of an answer has come, but not all. */
  get midway(): boolean {
    return this.#head !== null || this.#pending !== "";
  }

  /**
   * @returns the answer when it is whole
   * @throws Error on bytes that are no answer, or bytes after one (nothing is asked ahead here)
   */
  push(chunk: Buffer): Answer | null {
    this.#pending += chunk.toString("latin1");
    this.#head ??= this.#readHead();
    if (!this.#head) return null;
    const { status, fields } = this.#head;
    const whole =
      fields.get("transfer-encoding") === "chunked" ? this.#readChunks() : this.#readSized(fields);
    if (!whole) return null;
    if (this.#pending !== "") throw new Error(`${this.#pending.length} bytes came after the answer`);
    const answer = { status, fields, body: this.#body, close: fields.get("connection") === "close" };
    this.#head = null;
    this.#body = "";
    return answer;
  }

  #readHead(): Head | null {
    const end = this.#pending.indexOf(END_OF_HEAD);
    if (end < 0) return null;
    const [statusLine = "", ...lines] = this.#pending.slice(0, end).split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1];
    if (status === undefined) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon < 1) throw new Error(`no field: ${JSON.stringify(line)}`);
      fields.set(
        line.slice(0, colon).toLowerCase(),
        line
          .slice(colon + 1)
          .trim()
          .toLowerCase(),
      );
    }
    this.#pending = this.#pending.slice(end + END_OF_HEAD.length);
    return { status: Number(status), fields };
  }

  #readSized(fields: ReadonlyMap<string, string>): boolean {
    const length = fields.get("content-length");
    if (length === undefined || !/^\d+$/.test(length)) throw new Error(`no framing: ${length ?? "nothing"}`);
    const size = Number(length);
    const part = this.#pending.slice(0, size - this.#body.length);
    this.#body += part;
    this.#pending = this.#pending.slice(part.length);
    return this.#body.length === size;
  }

  #readChunks(): boolean {
    for (;;) {
      const line = this.#pending.indexOf("\r\n");
      if (line < 0) return false;
      const size = this.#pending.slice(0, line);
      if (!/^[0-9a-fA-F]+$/.test(size)) throw new Error(`no chunk size: ${JSON.stringify(size)}`);
      const length = parseInt(size, 16);
      const end = line + 2 + length;
      if (this.#pending.length < end + 2) return false;
      if (this.#pending.slice(end, end + 2) !== "\r\n") throw new Error("a chunk is longer than it says");
      this.#body += this.#pending.slice(line + 2, end);
      this.#pending = this.#pending.slice(end + 2);
      if (length === 0) return true;
    }
  }
}
