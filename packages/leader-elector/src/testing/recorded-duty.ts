/** A duty that a test slows down, breaks, and reads afterwards: what it was told, and when. */
import type { Clock } from "@outrigger/core";
import type { Duty, EndReason, Term } from "../duty/duty.ts";

export class RecordedDuty implements Duty {
  readonly name: string;
  readonly told: string[] = [];
  readonly #clock: Clock;
  readonly #shared: string[];
  /** Milliseconds that `start` takes. */
  startTakes = 0;
  isOpen = false;
  /** Milliseconds that `begin` takes. */
  beginTakes = 0;
  /** Milliseconds that `end` takes unless it is hurried. */
  endTakes = 0;
  failure: Error | null = null;

  constructor(name: string, clock: Clock, shared: string[] = []) {
    this.name = name;
    this.#clock = clock;
    this.#shared = shared;
  }

  async start(): Promise<void> {
    if (this.startTakes > 0) await this.#clock.sleep(this.startTakes);
    this.isOpen = true;
  }

  async stop(): Promise<void> {
    this.isOpen = false;
  }

  async begin(term: Term, signal: AbortSignal): Promise<void> {
    this.#tell(`begin ${term.token}${term.isLeading ? "" : " (not leading)"}`);
    if (this.beginTakes > 0) await this.#clock.sleep(this.beginTakes, signal);
    if (this.failure) throw this.failure;
  }

  async end(term: Term, why: EndReason, hurry: AbortSignal): Promise<void> {
    this.#tell(`end ${term.token} ${why}${term.isLeading ? " (leading)" : ""}`);
    if (this.endTakes > 0)
      await this.#clock.sleep(this.endTakes, hurry).catch(() => this.#tell(`cut ${term.token}`));
    this.#tell(`ended ${term.token}`);
  }

  follow(leader: { readonly id: string; readonly address: string | null } | null): void {
    this.#tell(`follow ${leader === null ? "nobody" : `${leader.id} ${leader.address}`}`);
  }

  #tell(what: string): void {
    this.told.push(`${this.#clock.now()} ${what}`);
    this.#shared.push(`${this.name} ${what}`);
  }
}
