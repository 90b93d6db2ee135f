/** A file that is replaced now and then (a token each hour, a CA each year): its text as it was at most 10 s ago. */
import { readText } from "../config/read-text.ts";
import { OutriggerError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

const AGE: Milliseconds = 10_000;

export class FreshFile {
  readonly path: string;
  readonly #clock: Clock;
  #text: string | null = null;
  #readAt: Milliseconds = -Infinity;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
  }

  /**
   * What was read before serves while the file cannot be read: it may just be replaced.
   * @throws OutriggerError `kubernetes-no-access` when it never could
   */
  async text(): Promise<string> {
    const now = this.#clock.now();
    if (this.#text !== null && now - this.#readAt < AGE) return this.#text;
    try {
      this.#text = (await readText(this.path)).trim();
      this.#readAt = now;
    } catch (thrown) {
      if (this.#text === null) {
        const { message } = OutriggerError.from(thrown);
        throw new OutriggerError("kubernetes-no-access", `${this.path} cannot be read: ${message}`, {
          cause: thrown,
        });
      }
    }
    return this.#text;
  }

  /** The next call reads. */
  doubt(): void {
    this.#readAt = -Infinity;
  }
}
