/**
 * Callers that wait for their jobs. An event of the queue wakes them; what is told to the caller is then read from the
 * backend, and it is looked at now and then without one: an event that was missed delays, and loses nothing.
 */
import { EventEmitter } from "node:events";
import type { QueueEvents } from "bullmq";
import type { Clock, Milliseconds } from "@outrigger/core";
import type { Standing } from "../job/standing.ts";

/** Between looks of a caller that waits, without an event. */
const LOOK: Milliseconds = 5_000;
/** While events may not be heard yet: the first look, then doubled. */
const FIRST_LOOK: Milliseconds = 25;
const LET_GO = "let go";

export interface WaitsDeps {
  readonly clock: Clock;
  /** Several events of every job are read from then on: it is called when somebody waits, and once. */
  openEvents(): QueueEvents;
  find(id: string): Promise<Standing | null>;
}

export class Waits {
  readonly #deps: WaitsDeps;
  /** By the job; several callers may wait for one. */
  readonly #wakes = new EventEmitter();
  #count = 0;
  #letsGo = false;
  /** -Infinity: nobody has waited yet. */
  #hearsSince = -Infinity;

  constructor(deps: WaitsDeps) {
    this.#deps = deps;
    this.#wakes.setMaxListeners(0);
  }

  /** Callers that wait now. */
  get count(): number {
    return this.#count;
  }

  /** Nobody waits any longer: not those who do, nor those who come. Each is told that its job is kept. */
  letGo(): void {
    this.#letsGo = true;
    this.#wakes.emit(LET_GO);
  }

  /**
   * How it ended; null: it has not, in that time, or the caller has left, or all were let go.
   * @throws OutriggerError `backend-away`
   */
  async ended(
    id: string,
    span: Milliseconds,
    caller: { onLeft(listener: () => void): void },
  ): Promise<Standing | null> {
    const { clock, find } = this.#deps;
    const end = clock.now() + span;
    this.#hear();
    let pause = clock.now() - this.#hearsSince < LOOK ? FIRST_LOOK : LOOK;
    let left = false;
    let wake = (): void => {};
    let woken = new Promise<void>((resolve) => (wake = resolve));
    const onEnd = (): void => wake();
    this.#wakes.on(`job ${id}`, onEnd);
    this.#wakes.on(LET_GO, onEnd);
    this.#count++;
    caller.onLeft(() => {
      left = true;
      wake();
    });
    try {
      for (;;) {
        const standing = await find(id);
        if (standing === null || standing.state === "done" || standing.state === "failed") return standing;
        const now = clock.now();
        if (left || this.#letsGo || now >= end) return null;
        const timer = clock.timer(Math.min(pause, end - now), wake);
        pause = Math.min(2 * pause, LOOK);
        await woken;
        timer.clear();
        woken = new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#wakes.off(`job ${id}`, onEnd);
      this.#wakes.off(LET_GO, onEnd);
      this.#count--;
    }
  }

  /** Told to the backend, but not when it does: what ends meanwhile is seen by a look. */
  #hear(): void {
    if (this.#hearsSince > -Infinity || this.#letsGo) return;
    this.#hearsSince = this.#deps.clock.now();
    const wake = ({ jobId }: { jobId: string }): void => void this.#wakes.emit(`job ${jobId}`);
    this.#deps.openEvents().on("completed", wake).on("failed", wake);
  }
}
