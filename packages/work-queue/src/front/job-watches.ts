/**
 * Callers that want to know of a job. An event of the queue wakes them; what they are told is then read from the backend, and it
 * is looked at now and then without one: an event that was missed delays, and loses nothing.
 */
import type { EventEmitter } from "node:events";
import type { Clock, Milliseconds } from "@outrigger/core";

/** Between looks without an event. */
const LOOK: Milliseconds = 5_000;
/** While events may not be heard yet: the first look, then doubled. */
const FIRST_LOOK: Milliseconds = 25;
/** Of a job's life. */
const CHANGES = ["waiting", "active", "delayed", "removed", "completed", "failed"] as const;

export interface JobWatchesDeps {
  readonly clock: Clock;
  /** Several events of every job are read from then on: it is called when somebody watches, and once. */
  openEvents(): EventEmitter;
}

export class JobWatches {
  readonly #deps: JobWatchesDeps;
  /** By the job; several may watch one. */
  readonly #watches = new Map<string, Set<JobWatch>>();
  #letsGo = false;
  /** -Infinity: nobody has watched yet. */
  #hearsSince: Milliseconds = -Infinity;

  constructor(deps: JobWatchesDeps) {
    this.#deps = deps;
  }

  /** All are woken, and for whoever comes it is over: another front is to be asked. */
  letGo(): void {
    this.#letsGo = true;
    for (const watches of this.#watches.values()) for (const watch of watches) watch.wake();
  }

  /** That are watched. */
  get jobs(): number {
    return this.#watches.size;
  }

  /** Until `end` of it is called. */
  watch(id: string, caller: { onLeft(listener: () => void): void }): JobWatch {
    const { clock } = this.#deps;
    this.#hear();
    const watches = this.#watches.get(id) ?? new Set();
    const watch = new JobWatch(
      clock,
      // Told to the backend, but not when it does: what changes meanwhile is seen by a look.
      clock.now() - this.#hearsSince < LOOK ? FIRST_LOOK : LOOK,
      () => this.#letsGo,
      () => {
        watches.delete(watch);
        if (watches.size === 0) this.#watches.delete(id);
      },
    );
    this.#watches.set(id, watches.add(watch));
    caller.onLeft(() => watch.leave());
    return watch;
  }

  #hear(): void {
    if (this.#hearsSince > -Infinity || this.#letsGo) return;
    const events = this.#deps.openEvents();
    this.#hearsSince = this.#deps.clock.now();
    const wake = ({ jobId }: { jobId: string }): void => {
      for (const watch of this.#watches.get(jobId) ?? []) watch.wake();
    };
    for (const change of CHANGES) events.on(change, wake);
  }
}

export class JobWatch {
  readonly #clock: Clock;
  readonly #letsGo: () => boolean;
  /** No longer watched. */
  readonly end: () => void;
  #look: Milliseconds;
  #hasLeft = false;
  #isWoken = false;
  #goOn = (): void => {};

  constructor(clock: Clock, firstLook: Milliseconds, letsGo: () => boolean, end: () => void) {
    this.#clock = clock;
    this.#look = firstLook;
    this.#letsGo = letsGo;
    this.end = end;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Nobody is to be told any longer: the caller has left, or all were let go. */
  get isOver(): boolean {
    return this.#hasLeft || this.#letsGo();
  }

  wake(): void {
    this.#isWoken = true;
    this.#goOn();
  }

  leave(): void {
    this.#hasLeft = true;
    this.wake();
  }

  /** To be called before the backend is asked: what changes from then on ends the pause after it. */
  begin(): void {
    this.#isWoken = false;
  }

  /** Until something may have changed since `begin`, at most so long. */
  async pause(most: Milliseconds): Promise<void> {
    if (this.#isWoken) return;
    const woken = new Promise<void>((resolve) => (this.#goOn = resolve));
    const timer = this.#clock.timer(Math.min(this.#look, most), this.#goOn);
    this.#look = Math.min(2 * this.#look, LOOK);
    await woken;
    timer.clear();
  }
}
