/**
 * Callers, fronts, workers, a workload and a backend, each a process; all of them killed and stopped at random under load.
 * Then everything is well again, and every job that was answered 202 must come to an end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@outrigger/core/testing";
import { span } from "../../support/polling.ts";
import { Actor, judgedBy, launch, openBackend, startWorkload, type BackendKind } from "./actors.ts";
import { Callers, outcomesOf } from "./callers.ts";
import { judgeQueue, type Fault } from "./judge.ts";
import { readJournal } from "./journal.ts";
import type { QueueResult, QueueWeather } from "./scenario.ts";

const LULL = 200;
const LONGEST_LULL = 1_200;

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
    actors.push(new Actor("workload", "workload", faults, () => startWorkload(workloadPort, journal)));
    const roles = actor === null ? ["both"] : ["front", "front", "worker", "worker"];
    const fronts: number[] = [];
    for (const [index, role] of roles.entries()) {
      const listen = await freePort();
      const probe = await freePort();
      if (role !== "worker") fronts.push(listen);
      actors.push(
        new Actor(`${role} ${index}`, role === "front" ? "front" : "worker", faults, () =>
          launch(role, { address, listen, probe, workloadPort }),
        ),
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
    for (const each of actors) await each.end();
    const { accepted } = callers;
    const work = readJournal(journal);
    const workers = actors.filter(({ who }) => who === "worker").length;
    const verdict = judgeQueue({ accepted, outcomes, work, faults, ...judgedBy(workers) });
    const broken = [...actors.flatMap(({ ends: own }) => own), ...verdict.broken];
    const counts: Record<string, number> = {};
    for (const { what } of faults) {
      const kind = what.replace(/ \d+$/, "");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return {
      seconds: Math.round((performance.now() - began) / 1_000),
      requests: callers.requests,
      accepted: accepted.length,
      repeated: verdict.repeated,
      faults: counts,
      broken: accepted.length === 0 ? ["no request was taken at all"] : broken,
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
