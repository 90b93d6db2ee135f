/** Where a job stands, as its caller may know it. */
import type { Job } from "bullmq";
import type { Answer } from "./answer.ts";
import { parseFailure, type Failure } from "./failure.ts";
import type { StoredRequest } from "./stored-request.ts";

export type JobState = "waiting" | "running" | "done" | "failed";

export interface Standing {
  readonly id: string;
  readonly state: JobState;
  /** Attempts that have begun. */
  readonly attempts: number;
  readonly answer: Answer | null;
  readonly failure: Failure | null;
}

export const isEnd = (state: JobState): boolean => state === "done" || state === "failed";

/** @param state as BullMQ has it */
export function standingOf(job: Job<StoredRequest, Answer>, state: string): Standing {
  const failure = state === "failed" ? parseFailure(job.failedReason) : null;
  return {
    id: job.id as string,
    state:
      state === "completed"
        ? "done"
        : state === "failed"
          ? "failed"
          : state === "active"
            ? "running"
            : "waiting",
    attempts: job.attemptsStarted,
    answer: state === "completed" ? job.returnvalue : (failure?.answer ?? null),
    failure,
  };
}

/** As callers and webhooks are told of it: without the answer's fields and body. */
export interface StandingJson {
  readonly id: string;
  readonly state: JobState;
  readonly attempts: number;
  readonly status?: number;
  /** Where the answer is. */
  readonly result?: string;
  readonly reason?: string;
  readonly message?: string;
}

export const standingJson = ({ id, state, attempts, answer, failure }: Standing): StandingJson => ({
  id,
  state,
  attempts,
  ...(answer !== null && { status: answer.status, result: `/jobs/${id}/result` }),
  ...(failure !== null && { reason: failure.reason, message: failure.message }),
});
