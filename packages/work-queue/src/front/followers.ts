/**
 * Callers that follow a job (`GET /jobs/{id}/events`, text/event-stream of the HTML standard, section 9.2): each state once, as it
 * comes, until the job has ended. An event of the queue wakes them; what is told was read from the backend then, and is looked
 * at now and then without one: an event that was missed delays, and a state that was over by then is not told.
 */
import { EventEmitter } from "node:events";
import type { QueueEvents } from "bullmq";
import { OutriggerError, type Clock, type Milliseconds } from "@outrigger/core";
import type { ServedRequest } from "@outrigger/proxy";
import { isEnd, type Standing } from "../job/standing.ts";

/** Each holds a connection, and asks the backend now and then. */
const MOST_FOLLOWERS = 1_000;
/** Between looks without an event. */
const LOOK: Milliseconds = 5_000;
/** While events may not be heard yet: the first look, then doubled. */
const FIRST_LOOK: Milliseconds = 25;
/** A stream that says nothing for longer is taken for dead by what is between. */
const HEARTBEAT: Milliseconds = 15_000;
const LET_GO = "let go";
/** Of a job's life, beside its end. */
const CHANGES = ["waiting", "active", "delayed", "removed", "completed", "failed"] as const;

export interface FollowersDeps {
  readonly clock: Clock;
  /** Opened when the first one follows: several events of every job are read from then on. */
  openEvents(): QueueEvents;
  find(id: string): Promise<Standing | null>;
}

export class Followers {
  readonly #deps: FollowersDeps;
  /** By the job; several may follow one. */
  readonly #wakes = new EventEmitter();
  readonly #wake = ({ jobId }: { jobId: string }): void => void this.#wakes.emit(`job ${jobId}`);
  #count = 0;
  #letsGo = false;

  constructor(deps: FollowersDeps) {
    this.#deps = deps;
    this.#wakes.setMaxListeners(0);
  }

  get count(): number {
    return this.#count;
  }

  /** All streams end, at a job's state that is told already; whoever comes asks another front. */
  letGo(): void {
    this.#letsGo = true;
    this.#wakes.emit(LET_GO);
  }

  /**
   * Tells it all of the job, from `first` on; resolves when the job has ended, or the caller has left.
   * @param describe what is told of a standing
   * @throws OutriggerError `too-many-followers`, before anything is answered
   */
  async follow(
    request: ServedRequest,
    first: Standing,
    describe: (standing: Standing) => object,
  ): Promise<void> {
    if (this.#count >= MOST_FOLLOWERS)
      throw new OutriggerError("too-many-followers", `${MOST_FOLLOWERS} callers follow jobs already`);
    if (this.#count++ === 0) this.#listen(true);
    const { clock, find } = this.#deps;
    let left = false;
    let wake = (): void => {};
    const onChange = (): void => wake();
    this.#wakes.on(`job ${first.id}`, onChange);
    this.#wakes.on(LET_GO, onChange);
    request.onLeft(() => {
      left = true;
      wake();
    });
    try {
      request.beginStream(200, [
        ["content-type", "text/event-stream"],
        ["cache-control", "no-store"],
      ]);
      let standing: Standing | null = first;
      let told = "";
      let pause = FIRST_LOOK;
      let said = clock.now();
      for (;;) {
        // Before the backend is asked, also the first time: a change after that wakes.
        const woken = new Promise<void>((resolve) => (wake = resolve));
        standing = await find(first.id).catch(() => standing);
        const text = standing === null ? REMOVED : eventOf(standing, describe(standing));
        // State and attempts are read one after the other: a job that begins between is no news until it runs.
        const news = standing?.state === "waiting" ? standing.state : text;
        const isNews = news !== told;
        if (isNews || clock.now() - said >= HEARTBEAT) {
          // One that does not read is told no more until it does.
          await request.write(Buffer.from(isNews ? text : ":\n\n"));
          told = news;
          said = clock.now();
        }
        if (left) return;
        if (standing === null || isEnd(standing.state) || this.#letsGo) break;
        const timer = clock.timer(Math.min(pause, said + HEARTBEAT - clock.now()), wake);
        pause = Math.min(2 * pause, LOOK);
        await woken;
        timer.clear();
      }
      request.endStream();
    } finally {
      this.#wakes.off(`job ${first.id}`, onChange);
      this.#wakes.off(LET_GO, onChange);
      if (--this.#count === 0) this.#listen(false);
    }
  }

  /** Where nobody follows, a job's events cost nothing here. */
  #listen(begins: boolean): void {
    const events = this.#deps.openEvents();
    for (const change of CHANGES) {
      if (begins) events.on(change, this.#wake);
      else events.off(change, this.#wake);
    }
  }
}

const REMOVED = "event: removed\ndata: {}\n\n";

/** The id of an end is what a browser asks with again when the stream is over; it is then told that there is no more. */
function eventOf({ state }: Standing, body: object): string {
  return `event: ${state}\n${isEnd(state) ? `id: ${state}\n` : ""}data: ${JSON.stringify(body)}\n\n`;
}
