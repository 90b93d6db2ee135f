/** What the queue promises, judged by what callers were told, what the workload wrote down, and when something was done to them. */
import { doublesOf } from "./doubles.ts";
import { stuckOf } from "./waits.ts";

/** Times are nanoseconds of CLOCK_MONOTONIC, here and in all of this. */
export interface WorkEntry {
  readonly what: "begins" | "ended";
  /** The caller's own number of its request. */
  readonly id: string;
  readonly job: string;
  readonly at: number;
  /** Of what has ended: when it began. */
  readonly begun?: number;
}

export interface Accepted {
  readonly id: string;
  readonly job: string;
  /** When it was told 202. */
  readonly at: number;
}

/** What holds the queue too is a worker. */
export type Struck = "front" | "worker" | "workload" | "backend";

/** A fault lasts from when it was done until the one who had it was well again. */
export interface Fault {
  readonly what: string;
  readonly who: Struck;
  /** Whether it is another process then, or goes on where it was. */
  readonly how: "killed" | "stopped";
  readonly from: number;
  readonly to: number;
}

export interface Outcome {
  readonly state: "done" | "failed" | "waiting" | "running" | "missing";
  /** Of one that failed. */
  readonly reason?: string;
  /** When it was last seen to be waiting or running; 0: it was not. */
  readonly open: number;
}

export interface Evidence {
  /** Every request that was answered 202. */
  readonly accepted: readonly Accepted[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly work: readonly WorkEntry[];
  readonly faults: readonly Fault[];
  /** How many there are, and how many jobs each has in hand. */
  readonly workers: number;
  readonly concurrency: number;
  /** lockDuration. */
  readonly lock: number;
  /** Of a job that nothing is done to, and whose turn it is: the longest until its end. */
  readonly patience: number;
}

export interface Verdict {
  readonly broken: readonly string[];
  /** Jobs that the workload was given more than once. */
  readonly repeated: number;
}

/** An attempt as the workload saw it. */
export interface Attempt {
  readonly id: string;
  readonly begun: number;
  /** null: the workload ended before. */
  readonly ended: number | null;
}

export function judgeQueue(evidence: Evidence): Verdict {
  const { accepted, outcomes, work } = evidence;
  const broken: string[] = [];
  const attempts = attemptsOf(work);
  for (const { id, job } of accepted) {
    const { state, reason } = outcomes.get(job) ?? { state: "missing" };
    const begun = attempts.get(job) ?? [];
    if (state === "missing") broken.push(`request ${id} was answered 202, and job ${job} is lost`);
    // The workload refuses nothing, and no fault lasts for as many attempts as a job has.
    else if (state === "failed") broken.push(`job ${job} of request ${id} failed: ${reason}`);
    else if (state !== "done") broken.push(`job ${job} of request ${id} is stuck: ${state}`);
    else if (begun.every(({ ended }) => ended === null))
      broken.push(`job ${job} is done, and the workload never did it`);
    for (const attempt of begun)
      if (attempt.id !== id) broken.push(`job ${job} of request ${id} came to the workload as ${attempt.id}`);
  }
  const doubles = doublesOf(attempts, evidence);
  broken.push(...doubles.broken, ...stuckOf(attempts, evidence));
  return { broken, repeated: doubles.repeated };
}

/** Of each job, in the order in which they began. */
function attemptsOf(work: readonly WorkEntry[]): Map<string, Attempt[]> {
  const ends = new Map<string, number>();
  for (const { what, job, at, begun } of work) if (what === "ended") ends.set(`${job} ${begun}`, at);
  const attempts = new Map<string, Attempt[]>();
  for (const { what, id, job, at } of work) {
    if (what !== "begins") continue;
    const attempt = { id, begun: at, ended: ends.get(`${job} ${at}`) ?? null };
    attempts.set(job, [...(attempts.get(job) ?? []), attempt]);
  }
  return attempts;
}
