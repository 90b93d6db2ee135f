/**
 * What was seen to change, numbered, so that whoever was away asks for what came after the last that he knows. Numbers are of
 * one life of the process: an id of another is answered with what there is, and the word that something may be missing.
 */

export interface Change<Entry> {
  /** `LIFE-NUMBER` */
  readonly id: string;
  readonly entry: Entry;
}

export interface Changes<Entry> {
  /** The oldest first. */
  readonly changes: readonly Change<Entry>[];
  /** False: there were more, which are not kept, or which another life of this process saw. */
  readonly complete: boolean;
}

/** Of changes: a leader that changes each second is sick, and a reader who is away for longer asks for the present. */
const KEPT = 256;

export class ChangeLog<Entry> {
  readonly #life: string;
  readonly #kept: Change<Entry>[] = [];
  readonly #listeners = new Set<(change: Change<Entry>) => void>();
  #count = 0;

  /** @param life unlike that of any other run: hexadecimal digits */
  constructor(life: string) {
    this.#life = life;
  }

  /** Of the latest change; after it comes what a reader does not know yet. */
  get latest(): string {
    return `${this.#life}-${this.#count}`;
  }

  add(entry: Entry): void {
    this.#count++;
    const change = { id: this.latest, entry };
    this.#kept.push(change);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const listener of this.#listeners) listener(change);
  }

  /** @param id of the last change that the reader knows */
  after(id: string): Changes<Entry> {
    const [life, number = ""] = id.split("-", 2);
    const known = /^\d{1,15}$/.test(number) ? Number(number) : NaN;
    if (life !== this.#life || !(known <= this.#count))
      return { changes: this.#kept.slice(-1), complete: false };
    const missing = this.#count - known;
    return missing === 0
      ? { changes: [], complete: true }
      : { changes: this.#kept.slice(-missing), complete: missing <= this.#kept.length };
  }

  /** Resolves at the next change for which that holds, or when `signal` aborts. */
  next(signal: AbortSignal, holds: (entry: Entry) => boolean = () => true): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        removal();
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const removal = this.onChange(({ entry }) => {
        if (holds(entry)) finish();
      });
      signal.addEventListener("abort", finish, { once: true });
    });
  }

  /** Calls `listener` at each change from now on. Returns the removal. */
  onChange(listener: (change: Change<Entry>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
