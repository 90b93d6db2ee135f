/**
 * Callers, fronts, workers, a workload and a backend, each a process; all of them killed and stopped at random under load.
 * Then everything is well again, and every job that was answered 202 must come to an end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@outrigger/core/testing";
import { span } from "../../support/polling.ts";
import { Actor, launch, LOCK, openBackend, startWorkload, type BackendKind } from "./actors.ts";
import { judgeQueue, type Accepted, type Fault, type Outcome } from "./judge.ts";
import { readJournal } from "./journal.ts";
import type { QueueResult, QueueWeather } from "./scenario.ts";

const CALLERS = 8;
const LULL = 200;
const LONGEST_LULL = 1_200;
/** A job may have run into a lock that was just renewed, and wait for a pause between attempts. */
const LONGEST_END = 60_000;

export async function playStorm(kind: BackendKind, weather: QueueWeather): Promise<QueueResult> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-queue-chaos-"));
  const began = performance.now();
  const faults: Fault[] = [];
  const journal = join(folder, "work");
  const workloadPort = await freePort();
  const actors: Actor[] = [];
  const ends: (() => Promise<void>)[] = [];
  try {
    const { address, actor } = await openBackend(kind, folder, faults, ends);
    if (actor !== null) actors.push(actor);
    actors.push(new Actor("workload", faults, () => startWorkload(workloadPort, journal)));
    const roles = actor === null ? ["both"] : ["front", "front", "worker", "worker"];
    const fronts: number[] = [];
    for (const [index, role] of roles.entries()) {
      const listen = await freePort();
      const probe = await freePort();
      if (role !== "worker") fronts.push(listen);
      actors.push(
        new Actor(`${role} ${index}`, faults, () => launch(role, { address, listen, probe, workloadPort })),
      );
    }
    for (const each of actors) await each.start();

    const callers = new Callers(fronts);
    callers.start();
    await storm(actors, weather);
    for (const each of actors) await each.mend();
    await span(500);
    await callers.stop();
    const outcomes = await outcomesOf(callers.accepted, fronts[0] as number);
    const work = readJournal(journal);
    const stall = (2 * LOCK + 1_000) * 1e6;
    const { broken, repeated } = judgeQueue({ accepted: callers.accepted, outcomes, work, faults, stall });
    const counts: Record<string, number> = {};
    for (const { what } of faults) {
      const kind = what.replace(/ \d+$/, "");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return {
      seconds: Math.round((performance.now() - began) / 1_000),
      requests: callers.requests,
      accepted: callers.accepted.length,
      repeated,
      faults: counts,
      broken: callers.accepted.length === 0 ? ["no request was taken at all"] : broken,
    };
  } finally {
    for (const each of actors) await each.end();
    for (const end of ends) await end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function storm(actors: readonly Actor[], { storm: length, random }: QueueWeather): Promise<void> {
  for (const end = performance.now() + length; performance.now() < end;) {
    const actor = actors[Math.floor(random() * actors.length)] as Actor;
    if (!actor.isWell) await actor.mend();
    else if (random() < 0.6) await actor.kill();
    else actor.pause();
    await span(LULL + random() * (LONGEST_LULL - LULL));
  }
}

class Callers {
  readonly accepted: Accepted[] = [];
  requests = 0;
  readonly #fronts: readonly number[];
  #stopping = false;
  #running: Promise<void>[] = [];

  constructor(fronts: readonly number[]) {
    this.#fronts = fronts;
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
          body: id,
          signal: AbortSignal.timeout(3_000),
        });
        const told = (await answer.json()) as { id: string };
        if (answer.status === 202) this.accepted.push({ id, job: told.id });
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
