/**
 * Deadlines of one fixed span, for many holders: since the span is the same for all, arming order is expiry order,
 * so that arming and disarming are O(1), allocate nothing, and one timer serves the whole queue
 * (the idea behind Node's own timer lists and the kernel's timer wheel).
 */
import type { Milliseconds } from "../units.ts";
import type { Clock, Timer } from "./clock.ts";

/** One holder's place in a queue; made once, armed many times. */
export class Deadline<Owner> {
  readonly owner: Owner;
  /** When it expires on the queue's clock; meaningful only while armed. */
  at: Milliseconds = 0;
  /** @internal */ next: Deadline<Owner> | null = null;
  /** @internal */ previous: Deadline<Owner> | null = null;
  /** @internal */ queue: DeadlineQueue<Owner> | null = null;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  get armed(): boolean {
    return this.queue !== null;
  }
}

export class DeadlineQueue<Owner> {
  readonly span: Milliseconds;
  readonly #clock: Clock;
  readonly #expire: (owner: Owner) => void;
  #first: Deadline<Owner> | null = null;
  #last: Deadline<Owner> | null = null;
  #timer: Timer | null = null;
  /** When #timer fires, or Infinity while none is set. A timer that fires early is cheap; one per arming is not. */
  #timerAt = Infinity;
  #retired = false;

  /** @param span 0 or Infinity: never expires, `arm` does nothing. */
  constructor(clock: Clock, span: Milliseconds, expire: (owner: Owner) => void) {
    this.#clock = clock;
    this.span = span;
    this.#expire = expire;
  }

  /** Starts (or starts anew) the span for this holder. `now` saves a clock reading where the caller has one. */
  arm(deadline: Deadline<Owner>, now: Milliseconds = this.#clock.now()): void {
    if (deadline.queue !== null) deadline.queue.disarm(deadline);
    if (this.span <= 0 || this.span === Infinity) return;
    deadline.at = now + this.span;
    deadline.queue = this;
    deadline.previous = this.#last;
    deadline.next = null;
    if (this.#last) this.#last.next = deadline;
    else this.#first = deadline;
    this.#last = deadline;
    if (this.#timerAt === Infinity) this.#schedule(now);
  }

  disarm(deadline: Deadline<Owner>): void {
    if (deadline.queue !== this) return;
    if (deadline.previous) deadline.previous.next = deadline.next;
    else this.#first = deadline.next;
    if (deadline.next) deadline.next.previous = deadline.previous;
    else this.#last = deadline.previous;
    deadline.queue = deadline.next = deadline.previous = null;
    // The timer stays: it will find a later head, or none, and cost one wake-up.
    if (this.#retired && this.#first === null) this.#stopTimer();
  }

  /**
   * Another queue has taken its place: whoever waits here still expires here, but as soon as nobody does, no timer is
   * left to hold the queue (and all that its callback knows) in memory for up to its span.
   */
  retire(): void {
    this.#retired = true;
    if (this.#first === null) this.#stopTimer();
  }

  /** Disarms all and stops the timer. */
  clear(): void {
    for (let deadline = this.#first; deadline; deadline = this.#first) this.disarm(deadline);
    this.#stopTimer();
  }

  #stopTimer(): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#timerAt = Infinity;
  }

  #schedule(now: Milliseconds): void {
    const head = this.#first;
    if (!head) return;
    this.#timerAt = head.at;
    // A millisecond more: Node's timers may fire a fraction early, and an early head would be scheduled twice.
    this.#timer = this.#clock.timer(Math.max(1, Math.ceil(head.at - now)), () => this.#fire(), {
      unref: true,
    });
  }

  #fire(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    for (let head = this.#first; head && head.at <= now; head = this.#first) {
      this.disarm(head);
      this.#expire(head.owner);
    }
    if (this.#timerAt === Infinity) this.#schedule(now);
  }
}
