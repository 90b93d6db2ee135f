/** Judges what a scenario showed: both ends' counts, latencies around the faults, and what the scenario checked itself. */
import { percentiles, recoveryTime, type Percentiles } from "../support/latency.ts";
import type { Failure } from "../support/workload.ts";
import { EJECT_TIME, type Scenario, type Stage } from "./scenario.ts";

export interface ScenarioResult {
  readonly name: string;
  readonly promise: string;
  readonly requests: number;
  /** Those that the scenario allows and those that it does not, together. */
  readonly failures: number;
  readonly failuresByKind: Readonly<Record<string, number>>;
  /** Arrivals at backends beyond the first of each request. */
  readonly resent: number;
  readonly before: Percentiles;
  readonly during: Percentiles;
  readonly after: Percentiles;
  /** Of each fault: milliseconds until p99 was back (null: never); null where the scenario does not ask for it. */
  readonly recovery: readonly { readonly fault: string; readonly milliseconds: number | null }[] | null;
  readonly checks: readonly string[];
  /** What does not hold; empty: passed. */
  readonly broken: readonly string[];
  /** The end of the ambassador's log, where it failed. */
  readonly log?: string;
}

export interface Course {
  readonly began: number;
  readonly ended: number;
  /** Why it did not get to its end. */
  readonly broke: string | null;
  readonly log: string;
}

/**
 * p99 counts as back when it is at most so much above what it was, or below this bound, in milliseconds: the bound is
 * less than any request takes that waited for a time limit, and more than a busy machine makes of a short one.
 */
const BACK_WITHIN = 100;
const BACK_BELOW = 200;

export function judge(scenario: Scenario, stage: Stage, course: Course): ScenarioResult {
  const { workload, faults, checks } = stage;
  const broken = checks.filter(({ ok }) => !ok).map(({ what }) => `not so: ${what}`);
  if (course.broke !== null) broken.push(course.broke);

  const unexpected = workload.failures.filter((failure) => !scenario.allows?.(failure));
  if (unexpected.length > 0)
    broken.push(`${unexpected.length} requests failed, the first: ${describe(unexpected[0])}`);
  if (workload.took.length === 0) broken.push("not one request was answered");
  if (workload.took.length + workload.failures.length !== workload.sent)
    broken.push(
      `${workload.sent} sent, but ${workload.took.length} answered and ${workload.failures.length} failed`,
    );
  const counted = countArrivals(scenario, stage);
  broken.push(...counted.broken);

  const within = (from: number, to: number): Percentiles =>
    percentiles(workload.took.filter((_, index) => at(index) >= from && at(index) < to));
  const at = (index: number): number => workload.sentAt[index] ?? 0;
  const firstFault = faults[0]?.from ?? course.ended;
  const before = within(course.began, firstFault);
  const during = percentiles(
    workload.took.filter((_, index) => faults.some(({ from, to }) => at(index) >= from && at(index) < to)),
  );
  const after = within(faults.at(-1)?.to ?? course.ended, Infinity);

  let recovery: { fault: string; milliseconds: number | null }[] | null = null;
  if (scenario.recovers !== false) {
    const limit = Math.max(before.p99 + BACK_WITHIN, BACK_BELOW);
    recovery = faults.map(({ name, from }, index) => {
      const to = faults[index + 1]?.from ?? course.ended;
      const milliseconds = recoveryTime(workload.sentAt, workload.took, from, to, limit);
      return { fault: name, milliseconds: milliseconds === Infinity ? null : milliseconds };
    });
    for (const { fault, milliseconds } of recovery) {
      if (milliseconds !== null && milliseconds <= EJECT_TIME) continue;
      const seen = milliseconds === null ? "was never back" : `was back after ${milliseconds} ms`;
      broken.push(`${fault}: p99 ${seen}, must be at most ${limit.toFixed(0)} ms within ${EJECT_TIME} ms`);
    }
  }
  return {
    name: scenario.name,
    promise: scenario.promise,
    requests: workload.sent,
    failures: workload.failures.length,
    failuresByKind: byKind(workload.failures),
    resent: counted.resent,
    before,
    during,
    after,
    recovery,
    checks: checks.map(({ what }) => what),
    broken,
    ...(broken.length > 0 && { log: course.log }),
  };
}

/** What the client says against what the backends wrote down. */
function countArrivals(scenario: Scenario, stage: Stage): { resent: number; broken: string[] } {
  const { workload, fleet } = stage;
  const broken: string[] = [];
  const arrivals = new Map<number, number>();
  for (const backend of fleet.backends) {
    const here = new Set<number>();
    for (const { id } of backend.arrivals()) {
      arrivals.set(id, (arrivals.get(id) ?? 0) + 1);
      here.add(id);
    }
    for (const [id, by] of workload.answeredBy)
      if (by === backend.name && !here.has(id))
        broken.push(`${by} answered ${id}, but it never arrived there`);
  }
  let resent = 0;
  for (const [id, count] of arrivals) {
    resent += count - 1;
    if (scenario.atMostOnce && count > 1) broken.push(`request ${id} arrived ${count} times`);
  }
  return { resent, broken: broken.slice(0, 5) };
}

function byKind(failures: readonly Failure[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, status } of failures) {
    const name = kind === "status" ? String(status) : kind;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function describe(failure: Failure | undefined): string {
  if (!failure) return "";
  const { id, kind, status, detail } = failure;
  return `request ${id}, ${kind}${status > 0 ? ` ${status}` : ""}: ${detail}`;
}
