/** Callers of the queue who go on whatever they are told, and what has become of their jobs. */
import { span } from "../../support/polling.ts";
import type { Accepted, Outcome } from "./judge.ts";

const CALLERS = 8;
/** A job may have run into a lock that was just renewed, and wait for a pause between attempts. */
const LONGEST_END = 60_000;

export class Callers {
  readonly accepted: Accepted[] = [];
  requests = 0;
  /** What those were told whose requests are not kept, by status and message. */
  readonly refused = new Map<string, number>();
  readonly #fronts: readonly number[];
  /** Of each body. */
  readonly #bytes: number;
  #stopping = false;
  #running: Promise<void>[] = [];

  constructor(fronts: readonly number[], bytes = 0) {
    this.#fronts = fronts;
    this.#bytes = bytes;
  }

  start(): void {
    this.#running = Array.from({ length: CALLERS }, (_, index) => this.#call(index));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #call(index: number): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      const id = String(this.requests++);
      const port = this.#fronts[(index + turn) % this.#fronts.length];
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/work`, {
          method: "POST",
          body: `${id} `.padEnd(this.#bytes, "x"),
          signal: AbortSignal.timeout(3_000),
        });
        const told = (await answer.json()) as { id: string; message: string };
        if (answer.status === 202) this.accepted.push({ id, job: told.id });
        else {
          const why = `${answer.status} ${told.message}`;
          this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
        }
      } catch {
        // Not told 202: nothing was promised.
      }
      await span(20);
    }
  }
}

export async function outcomesOf(accepted: readonly Accepted[], port: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const end = performance.now() + LONGEST_END;
  for (const { job } of accepted) {
    for (;;) {
      const outcome = await ask(port, job);
      if (outcome !== null) outcomes.set(job, outcome);
      if (outcome === "done" || outcome === "failed" || outcome === "missing" || performance.now() > end)
        break;
      await span(20);
    }
  }
  return outcomes;
}

/** null: nobody answers yet. */
export async function ask(port: number, job: string): Promise<Outcome | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/jobs/${job}`, {
      signal: AbortSignal.timeout(3_000),
    });
    if (answer.status === 404) return "missing";
    return answer.status === 200 ? ((await answer.json()) as { state: Outcome }).state : null;
  } catch {
    return null;
  }
}
