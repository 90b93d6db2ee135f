/** Jobs that were given up: what they were, why, and another try for them. */
import type { Job } from "bullmq";
import type { JobQueue } from "../backend/backend.ts";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import { parseFailure, type Failure, type FailureReason } from "../job/failure.ts";
import type { StoredRequest } from "../job/stored-request.ts";

export interface DeadLetter {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly reason: FailureReason;
  readonly message: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly failedAt: string;
}

/** Of all; of one; of those that failed for a reason. */
export type Which = { readonly id: string } | { readonly reason: FailureReason } | "all";

/** Jobs that are looked at in one go. */
const PAGE = 100;

export class DeadLetters {
  readonly #queue: JobQueue;

  readonly #bodies: Bodies;

  constructor(queue: JobQueue, bodies: Bodies) {
    this.#queue = queue;
    this.#bodies = bodies;
  }

  /** The latest first. */
  async list(which: Which, count: number): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    for await (const { letter } of this.#each(which)) {
      if (found.length === count) break;
      found.push(letter);
    }
    return found;
  }

  /** With its request and the workload's last answer; null: none has that id. */
  async show(id: string): Promise<(DeadLetter & { request: StoredRequest; answer?: Answer }) | null> {
    for await (const { job, letter, failure } of this.#each({ id }))
      return { ...letter, request: job.data, ...(failure.answer && { answer: failure.answer }) };
    return null;
  }

  /** They wait again, with as many attempts as a new job. @returns how many */
  async replay(which: Which): Promise<number> {
    return this.#act(which, async (job) => {
      // Somebody wants it now, late as it is.
      const { deadline, ...request } = job.data;
      if (deadline !== undefined) await job.updateData(request);
      await job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
    });
  }

  /** They are gone. @returns how many */
  async purge(which: Which): Promise<number> {
    return this.#act(which, async (job) => {
      await job.remove();
      await this.#bodies.drop(job.data.body, parseFailure(job.failedReason).answer?.body);
    });
  }

  async #act(which: Which, act: (job: Job<StoredRequest, Answer>) => Promise<void>): Promise<number> {
    // Those that there are now: one that fails again meanwhile is not taken twice. Ids alone: nothing bounds how many there are.
    const ids = new Set<string>();
    for await (const { letter } of this.#each(which)) ids.add(letter.id);
    let done = 0;
    for (const id of ids) {
      // Somebody else may have acted on it: one that waits again is no dead letter.
      for await (const { job } of this.#each({ id })) {
        try {
          await act(job);
          done++;
        } catch (thrown) {
          if ((await job.getState()) === "failed") throw thrown;
        }
      }
    }
    return done;
  }

  async *#each(
    which: Which,
  ): AsyncGenerator<{ job: Job<StoredRequest, Answer>; letter: DeadLetter; failure: Failure }> {
    if (which !== "all" && "id" in which) {
      const job = await this.#queue.getJob(which.id);
      if (job !== undefined && (await job.getState()) === "failed") yield described(job);
      return;
    }
    for (let at = 0; ; at += PAGE) {
      const jobs = await this.#queue.getJobs(["failed"], at, at + PAGE - 1);
      for (const job of jobs) {
        const found = described(job);
        if (which === "all" || found.failure.reason === which.reason) yield found;
      }
      if (jobs.length < PAGE) return;
    }
  }
}

function described(job: Job<StoredRequest, Answer>) {
  const failure = parseFailure(job.failedReason);
  const letter: DeadLetter = {
    id: job.id as string,
    method: job.data.method,
    target: job.data.target,
    reason: failure.reason,
    message: failure.message,
    attempts: job.attemptsStarted,
    failedAt: new Date(job.finishedOn ?? 0).toISOString(),
  };
  return { job, letter, failure };
}
