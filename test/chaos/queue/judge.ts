/** What the queue promises, judged by what callers were told, what the workload wrote down, and when something was done to them. */

export interface WorkEntry {
  readonly what: "begins" | "ended";
  /** The caller's own number of its request. */
  readonly id: string;
  readonly job: string;
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly at: number;
}

export interface Accepted {
  readonly id: string;
  readonly job: string;
}

/** A fault lasts from when it was done until the one who had it was well again. */
export interface Fault {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

export type Outcome = "done" | "failed" | "waiting" | "running" | "missing";

export interface Evidence {
  /** Every request that was answered 202. */
  readonly accepted: readonly Accepted[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly work: readonly WorkEntry[];
  readonly faults: readonly Fault[];
  /** A job whose worker ended is another's after so long, at most; nanoseconds. */
  readonly stall: number;
}

export interface Verdict {
  readonly broken: readonly string[];
  /** Jobs that the workload was given more than once. */
  readonly repeated: number;
}

export function judgeQueue({ accepted, outcomes, work, faults, stall }: Evidence): Verdict {
  const broken: string[] = [];
  const begun = new Map<string, WorkEntry[]>();
  const ended = new Set<string>();
  for (const entry of work) {
    if (entry.what === "ended") ended.add(entry.job);
    else begun.set(entry.job, [...(begun.get(entry.job) ?? []), entry]);
  }
  for (const { id, job } of accepted) {
    const outcome = outcomes.get(job) ?? "missing";
    if (outcome === "missing") broken.push(`request ${id} was answered 202, and job ${job} is lost`);
    else if (outcome !== "done" && outcome !== "failed")
      broken.push(`job ${job} of request ${id} is stuck: ${outcome}`);
    if (outcome === "done" && !ended.has(job))
      broken.push(`job ${job} is done, and the workload never did it`);
    for (const entry of begun.get(job) ?? [])
      if (entry.id !== id) broken.push(`job ${job} of request ${id} came to the workload as ${entry.id}`);
  }
  let repeated = 0;
  for (const [job, entries] of begun) {
    if (entries.length > 1) repeated++;
    for (const [index, entry] of entries.entries()) {
      const next = entries[index + 1];
      if (next === undefined) break;
      // It was given again: something must have failed meanwhile, or be failing still.
      if (!faults.some(({ from, to }) => from <= next.at && to >= entry.at - stall))
        broken.push(`job ${job} was given to the workload twice, and nothing had failed`);
    }
  }
  return { broken, repeated };
}
