/** Callers that wait for their jobs. */
import type { Clock, Milliseconds } from "@outrigger/core";
import { isEnd, type Standing } from "../job/standing.ts";
import type { JobWatches } from "./job-watches.ts";

export interface WaitsDeps {
  readonly clock: Clock;
  readonly watches: JobWatches;
  find(id: string): Promise<Standing | null>;
}

export class Waits {
  readonly #deps: WaitsDeps;
  #count = 0;

  constructor(deps: WaitsDeps) {
    this.#deps = deps;
  }

  /** Callers that wait now. */
  get count(): number {
    return this.#count;
  }

  /**
   * How it ended; null: it has not, in that time, or the caller has left, or all were let go: its job is kept.
   * @throws OutriggerError `backend-away`
   */
  async ended(
    id: string,
    span: Milliseconds,
    caller: { onLeft(listener: () => void): void },
  ): Promise<Standing | null> {
    const { clock, watches, find } = this.#deps;
    const end = clock.now() + span;
    const watch = watches.watch(id, caller);
    this.#count++;
    try {
      for (;;) {
        watch.begin();
        const standing = await find(id);
        if (standing === null || isEnd(standing.state)) return standing;
        const left = end - clock.now();
        if (watch.isOver || left <= 0) return null;
        await watch.pause(left);
      }
    } finally {
      watch.end();
      this.#count--;
    }
  }
}
