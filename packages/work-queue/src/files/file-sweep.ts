/** Removes files of jobs that have ended: elsewhere, or while the program went on with one that was cancelled. */
import type { Clock, Logger, Milliseconds, Timer } from "@outrigger/core";
import type { JobFiles } from "./job-files.ts";

const SWEEP_EVERY: Milliseconds = 60_000;

export interface FileSweepDeps {
  readonly clock: Clock;
  readonly log: Logger;
  isUnfinished(id: string): Promise<boolean>;
  /** An attempt of it is under way here. */
  isCurrent(id: string): boolean;
  /** All that there is of a job; an attempt at it waits. */
  remove(id: string): Promise<void>;
}

export class FileSweep {
  readonly #files: JobFiles;
  readonly #deps: FileSweepDeps;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(files: JobFiles, deps: FileSweepDeps) {
    this.#files = files;
    this.#deps = deps;
  }

  /** At once, and then each minute. */
  start(): void {
    void this.#sweep();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
  }

  async #sweep(): Promise<void> {
    const { clock, log, isUnfinished, isCurrent, remove } = this.#deps;
    let [removed, stay] = [0, 0];
    let why = "";
    try {
      for await (const id of this.#files.jobs()) {
        if (this.#stopped) return;
        // Asked last: one that had ended may have been begun anew.
        if ((await isUnfinished(id)) || isCurrent(id)) continue;
        try {
          await remove(id);
          removed++;
        } catch (thrown) {
          // Of another user, say. Those after it go.
          stay++;
          why = (thrown as Error).message;
        }
      }
    } catch (thrown) {
      log.warn({ err: (thrown as Error).message }, "files of ended jobs could not be swept; later again");
    }
    if (stay > 0) log.warn({ jobs: stay, err: why }, "files of ended jobs cannot be removed; later again");
    if (removed > 0) log.info({ removed }, "files of jobs that have ended were removed");
    if (!this.#stopped) this.#timer = clock.timer(SWEEP_EVERY, () => void this.#sweep(), { unref: true });
  }
}
