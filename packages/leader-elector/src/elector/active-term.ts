/** One term of ours: its duties begin in their order, and end in the opposite one, or at once when the lease is lost. */
import { formatDuration, type Clock, type Logger, type Milliseconds, type Timer } from "@outrigger/core";
import type { Duty, EndReason, Term } from "../duty/duty.ts";

export interface ActiveTermOptions extends Omit<Term, "isLeading"> {
  readonly duties: readonly Duty[];
  /** Whether this candidate believes in this very acquisition, now. */
  readonly believes: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Turn {
  readonly over: AbortController;
  at: Milliseconds;
  timer: Timer | null;
}

export class ActiveTerm implements Term {
  readonly election: string;
  readonly id: string;
  readonly token: bigint;
  readonly acquiredAt: Milliseconds;
  readonly #options: ActiveTermOptions;
  /** Duties that were told to begin, in that order. */
  readonly #begun: Duty[] = [];
  #beginning: Promise<Error | null> | null = null;
  #ending: Promise<void> | null = null;
  /** Aborts when it ends: what has not begun yet does not. */
  readonly #over = new AbortController();
  readonly #hurry = new AbortController();
  /** Aborts when the lease is lost: nobody waits for his turn any more. */
  readonly #lost = new AbortController();
  #limit: { readonly timer: Timer; readonly at: Milliseconds } | null = null;
  /** Of the duty that ends now, while others wait for it. */
  #turn: Turn | null = null;
  #inEffect = false;
  #hasEnded = false;

  constructor(options: ActiveTermOptions) {
    this.#options = options;
    ({ election: this.election, id: this.id, token: this.token, acquiredAt: this.acquiredAt } = options);
  }

  get isLeading(): boolean {
    return this.#ending === null && this.#options.believes();
  }

  /** All duties have begun. */
  get isInEffect(): boolean {
    return this.#inEffect;
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Resolves when all duties are in effect, with null, or with what one of them failed with; null, too, when it ended. */
  begin(): Promise<Error | null> {
    return (this.#beginning ??= this.#beginAll());
  }

  /**
   * Resolves when all duties have ended. Asked again, the shorter limit counts, and what is lost stays lost: those that still
   * wait for their turn end at once.
   * @param within after that they are cut; Infinity: when `hurry` aborts
   */
  end(why: EndReason, within: Milliseconds, hurry?: AbortSignal): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    if (why === "lost") {
      this.#lost.abort();
      this.#endTurn();
    }
    this.#hurryWithin(within);
    if (hurry?.aborted) this.#hurry.abort(hurry.reason);
    else hurry?.addEventListener("abort", () => this.#hurry.abort(hurry.reason), { once: true });
    this.#ending ??= this.#endAll(why);
    return this.#ending;
  }

  async #beginAll(): Promise<Error | null> {
    for (const duty of this.#options.duties) {
      if (this.#over.signal.aborted) return null;
      this.#begun.push(duty);
      try {
        await duty.begin(this, this.#over.signal);
      } catch (thrown) {
        if (this.#over.signal.aborted) return null;
        return thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    }
    this.#inEffect = !this.#over.signal.aborted;
    return null;
  }

  async #endAll(why: EndReason): Promise<void> {
    this.#over.abort(new Error(`the term is over: ${why}`));
    await this.#beginning;
    this.#inEffect = false;
    const lost = this.#lost.signal;
    const noTurns = new Promise((resolve) => lost.addEventListener("abort", resolve, { once: true }));
    const ends: Promise<void>[] = [];
    for (const duty of this.#begun.toReversed()) {
      const end = this.#endOne(duty, lost.aborted ? "lost" : why);
      ends.push(end);
      if (!lost.aborted) await Promise.race([end, noTurns]);
    }
    await Promise.all(ends);
    this.#hasEnded = true;
    this.#limit?.timer.clear();
    this.#limit = null;
  }

  async #endOne(duty: Duty, why: EndReason): Promise<void> {
    const turn: Turn = { over: new AbortController(), at: Infinity, timer: null };
    if (duty !== this.#begun[0] && why !== "lost") this.#turn = turn;
    this.#measureTurn();
    try {
      await duty.end(this, why, AbortSignal.any([turn.over.signal, this.#hurry.signal]));
    } catch (thrown) {
      this.#options.log.error({ duty: duty.name, error: thrown }, "a duty failed to end");
    }
    if (this.#turn === turn) this.#endTurn();
  }

  /** Each may take half of the time that is left, the last one all of it: who waits for clients must not take the child's. */
  #measureTurn(): void {
    const turn = this.#turn;
    if (turn === null || this.#limit === null || this.#hurry.signal.aborted) return;
    const { clock } = this.#options;
    const now = clock.now();
    const at = now + Math.max(0, this.#limit.at - now) / 2;
    if (at >= turn.at) return;
    turn.timer?.clear();
    turn.at = at;
    turn.timer = clock.timer(at - now, () => turn.over.abort(new Error("others need the rest of the time")));
  }

  #endTurn(): void {
    this.#turn?.timer?.clear();
    this.#turn = null;
  }

  #hurryWithin(span: Milliseconds): void {
    if (span === Infinity || this.#hurry.signal.aborted) return;
    const at = this.#options.clock.now() + span;
    if (this.#limit !== null && this.#limit.at <= at) return;
    this.#limit?.timer.clear();
    const timer = this.#options.clock.timer(Math.max(0, span), () =>
      this.#hurry.abort(new Error(`not ended within ${formatDuration(Math.round(span))}`)),
    );
    this.#limit = { timer, at };
    this.#measureTurn();
  }
}
