/** Standard output as something that a run can lose: its reader goes away (EPIPE), or it takes no more (a full disk). */
import type { Writable } from "node:stream";

/** closed: nobody reads any more; unwritable: somebody expects output that is not there. */
export type OutputLoss = "closed" | "unwritable";

export class StandardOutput {
  readonly #listeners = new Set<() => void>();
  #loss: OutputLoss | null = null;

  /** @param complain is told once, in a sentence, why nothing can be written; a reader that has gone is no complaint */
  constructor(stream: Writable, complain: (sentence: string) => void) {
    // Each write that fails is one more event: only the first is news.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#loss !== null) return;
      this.#loss = error.code === "EPIPE" ? "closed" : "unwritable";
      if (this.#loss === "unwritable") {
        complain(
          `cannot write standard output: ${error.message}: make room there, or send the output elsewhere`,
        );
      }
      for (const listener of this.#listeners) listener();
    });
  }

  get loss(): OutputLoss | null {
    return this.#loss;
  }

  /** Calls the listener once, when the output is lost. @returns the removal */
  onLoss(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
