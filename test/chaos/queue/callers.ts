/** Callers of the queue who go on whatever they are told, and what has become of their jobs. */
import { span } from "../../support/polling.ts";
import { now } from "./actors.ts";
import type { Accepted, Outcome } from "./judge.ts";

const CALLERS = 8;
/** More than any job may take: the judge says how long each may. */
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
        if (answer.status === 202) this.accepted.push({ id, job: told.id, at: now() });
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
      const asked = now();
      const told = await ask(port, job);
      const open = told?.state === "waiting" || told?.state === "running";
      if (told !== null) outcomes.set(job, { ...told, open: open ? asked : (outcomes.get(job)?.open ?? 0) });
      if ((told !== null && !open) || performance.now() > end) break;
      await span(20);
    }
  }
  return outcomes;
}

/** null: nobody answers yet. */
async function ask(port: number, job: string): Promise<Omit<Outcome, "open"> | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/jobs/${job}`, {
      signal: AbortSignal.timeout(3_000),
    });
    if (answer.status === 404) return { state: "missing" };
    return answer.status === 200 ? ((await answer.json()) as Outcome) : null;
  } catch {
    return null;
  }
}
