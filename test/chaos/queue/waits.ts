/**
 * Which jobs were stuck: where everything was well for `patience` that a job needs to go on, and neither it did nor any that
 * was before it. A job is behind those that were kept before it, and one that is to be tried again behind those kept meanwhile.
 */
import type { Attempt, Evidence, Fault } from "./judge.ts";

type Facts = Pick<Evidence, "accepted" | "outcomes" | "faults" | "workers" | "patience">;

export function stuckOf(attempts: ReadonlyMap<string, readonly Attempt[]>, facts: Facts): string[] {
  const { accepted, outcomes, faults, workers, patience } = facts;
  const down = standstills(faults, workers);
  const turns = accepted.flatMap(({ job, at }) => {
    const [first] = attempts.get(job) ?? [];
    return first === undefined ? [] : [{ kept: at, begun: first.begun }];
  });
  turns.sort((one, other) => one.begun - other.begun);
  const stuck: string[] = [];
  for (const { id, job, at } of accepted) {
    const own = (attempts.get(job) ?? []).flatMap(({ begun, ended }) =>
      ended === null ? [begun] : [begun, ended],
    );
    const later = [...own, outcomes.get(job)?.open ?? 0].filter((step) => step > at);
    const steps = [at, ...later.sort((one, other) => one - other)];
    const waits = steps.slice(1).flatMap((to, index) => {
      const from = steps[index] as number;
      if (to - from <= patience) return [];
      const others = turns.filter(({ kept, begun }) => kept <= from + patience && from < begun && begun < to);
      const moves = [from, ...others.map(({ begun }) => begun), to];
      return moves.slice(1).map((until, move) => working(moves[move] as number, until, down));
    });
    const longest = Math.max(0, ...waits);
    if (longest > patience)
      stuck.push(
        `job ${job} of request ${id} was stuck for ${seconds(longest)} s, must be at most ${seconds(patience)}`,
      );
  }
  return stuck;
}

const seconds = (nanoseconds: number): string => (nanoseconds / 1e9).toFixed(1);

interface Span {
  readonly from: number;
  readonly to: number;
}

/** When no job could go on, in order and apart: without a workload, a backend, or any worker. */
function standstills(faults: readonly Fault[], workers: number): Span[] {
  const edges = faults.flatMap(({ who, from, to }) => {
    const weight = who === "front" ? 0 : who === "worker" ? 1 : workers;
    return [
      { at: from, weight },
      { at: to, weight: -weight },
    ];
  });
  edges.sort((one, other) => one.at - other.at);
  const spans: Span[] = [];
  let missing = 0;
  let since = 0;
  for (const { at, weight } of edges) {
    const before = missing;
    missing += weight;
    if (before < workers && missing >= workers) since = at;
    if (before >= workers && missing < workers) spans.push({ from: since, to: at });
  }
  return spans;
}

/** The longest stretch without a standstill: after each all begins anew, with connections and locks that have to end. */
function working(from: number, to: number, down: readonly Span[]): number {
  let longest = 0;
  let since = from;
  for (const span of down) {
    if (span.to <= since || span.from >= to) continue;
    longest = Math.max(longest, span.from - since);
    since = span.to;
  }
  return Math.max(longest, to - since);
}
