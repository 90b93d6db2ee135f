/** Which jobs the workload was given more than once, and whether a fault explains it: which, when, and how many at most. */
import type { Attempt, Evidence, Fault } from "./judge.ts";

/** What a process that is well takes, at most, to hear of something, to write it down, or to tell its backend; nanoseconds. */
const HASTE = 1e9;
/** Until those who lost their backend have it again. */
const RECONNECT = 2e9;

type Facts = Pick<Evidence, "faults" | "workers" | "concurrency" | "lock">;

export function doublesOf(
  attempts: ReadonlyMap<string, readonly Attempt[]>,
  facts: Facts,
): { broken: string[]; repeated: number } {
  const { faults, lock } = facts;
  const broken: string[] = [];
  const room = new Map(faults.map((fault) => [fault, inHand(fault, facts)]));
  let repeated = 0;
  for (const [job, all] of attempts) {
    if (all.length > 1) repeated++;
    for (const [index, { begun }] of all.entries()) {
      if (index === 0) continue;
      const earlier = all.slice(0, index).map((attempt) => asSent(attempt, faults));
      const reasons = faults.filter((fault) => earlier.some((first) => explains(fault, first, begun, lock)));
      const [reason] = reasons.sort((one, other) => (room.get(other) ?? 0) - (room.get(one) ?? 0));
      if (reason === undefined)
        broken.push(`job ${job} was given to the workload twice, and nothing had failed`);
      else if (room.get(reason) === 0)
        broken.push(`job ${job} was given to the workload twice, beyond those in hand at ${reason.what}`);
      else room.set(reason, (room.get(reason) as number) - 1);
    }
  }
  return { broken, repeated };
}

/** A fault gives the workload no more jobs again than workers had in hand. */
function inHand({ who, from, to }: Fault, { workers, concurrency, lock }: Facts): number {
  if (who === "worker") return concurrency;
  // A disk may have room for some of what is written: jobs are taken, and not noted as done, as soon as the locks of others end.
  const times = who === "backend" ? 1 + Math.floor((to - from) / lock) : 1;
  return times * workers * concurrency;
}

/** A workload that is stopped writes down what it is sent when it goes on. */
function asSent(attempt: Attempt, faults: readonly Fault[]): Attempt {
  const { begun } = attempt;
  const stop = faults.find(
    ({ who, how, from, to }) =>
      who === "workload" && how === "stopped" && from <= begun && begun <= to + HASTE,
  );
  return stop === undefined ? attempt : { ...attempt, begun: stop.from };
}

/** Whether it is why a job, begun once, began again at `again`. */
function explains(
  { who, how, from, to }: Fault,
  { begun, ended }: Attempt,
  again: number,
  lock: number,
): boolean {
  const noted = Math.min(again, (ended ?? again) + HASTE);
  const wasUnderWay = (since: number, until: number): boolean => begun <= until + HASTE && since <= noted;
  switch (who) {
    case "front":
      return false;
    case "workload":
      // One that is stopped goes on with what it has.
      return how === "killed" && wasUnderWay(from, from) && from <= again;
    case "worker":
    case "backend": {
      // What it had in hand goes on as if nothing had been, whoever has it by then.
      const back = to + (who === "backend" ? RECONNECT : 0);
      const isLate = (at: number): boolean => to <= at && at <= back + HASTE;
      if (how === "stopped" && (isLate(begun) || (isLate(again) && from <= noted))) return true;
      // Else its lock has to end: it was taken when it began.
      const until = who === "backend" ? back : from;
      return wasUnderWay(from, until) && again - begun >= lock - HASTE;
    }
    default:
      return who satisfies never;
  }
}
