/** Removes blobs whose job is gone: its answer was kept long enough, or whoever wrote the blob ended before the job was there. */
import type { Clock, Logger, Milliseconds, Timer } from "@outrigger/core";
import { jobOf, type BlobStore } from "./blob-store.ts";

const SWEEP_EVERY: Milliseconds = 10 * 60_000;
/** Between the last byte of a blob and its job there is less. */
const LEFT_ALONE: Milliseconds = 60 * 60_000;

export interface BlobSweepDeps {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  hasJob(id: string): Promise<boolean>;
}

export class BlobSweep {
  readonly #deps: BlobSweepDeps;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(deps: BlobSweepDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.clock.timer(SWEEP_EVERY, () => void this.#sweep(), { unref: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
  }

  async #sweep(): Promise<void> {
    const { blobs, log, hasJob } = this.#deps;
    let removed = 0;
    try {
      for await (const id of blobs.untouched(LEFT_ALONE)) {
        if (this.#stopped) return;
        if (await hasJob(jobOf(id))) continue;
        await blobs.remove(id);
        removed++;
      }
    } catch (thrown) {
      log.warn({ err: (thrown as Error).message }, "bodies without a job could not be swept; later again");
    }
    if (removed > 0) log.info({ removed }, "bodies whose jobs are gone were removed");
    if (!this.#stopped) this.#timer?.refresh();
  }
}
