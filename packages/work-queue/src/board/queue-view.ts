/**
 * A queue as the board may see it. What it has of a job is written out here, field by field: nothing that a caller sent or the
 * workload said is among it. What would change a queue is refused here, too, whoever asks.
 */
import { BaseAdapter } from "@bull-board/api/dist/queueAdapters/base.js";
import type {
  AppJobScheduler,
  JobCounts,
  JobStatus,
  QueueJob,
  QueueMetrics,
  Status,
} from "@bull-board/api/typings/app";
import type { Job, JobType, Queue } from "bullmq";
import { OutriggerError } from "@outrigger/core";
import { FAILURE_REASONS, parseFailure } from "../job/failure.ts";

const STATES: readonly JobStatus[] = ["active", "waiting", "prioritized", "completed", "failed", "delayed"];
const HIDDEN = "hidden";

export class QueueView extends BaseAdapter {
  readonly #queue: Queue;

  constructor(queue: Queue, displayName: string) {
    // Of Bull: the flows of BullMQ, which a board would read by itself, are not asked for.
    super("bull", { readOnlyMode: true, displayName });
    this.#queue = queue;
  }

  getName(): string {
    return this.#queue.name;
  }

  getStatuses(): Status[] {
    return ["latest", ...STATES];
  }

  getJobStatuses(): JobStatus[] {
    return [...STATES];
  }

  async getJobCounts(): Promise<JobCounts> {
    return this.#queue.getJobCounts();
  }

  async getJob(id: string): Promise<QueueJob | null> {
    // In Redis BullMQ's own keys stand beside those of jobs, and Redis refuses to read them as one.
    const job = /^[a-z-]+$/.test(id) ? undefined : await this.#queue.getJob(id);
    return job === undefined ? null : shown(job);
  }

  async getJobs(statuses: JobStatus[], start?: number, end?: number): Promise<QueueJob[]> {
    const jobs = await this.#queue.getJobs(statuses as JobType[], start, end);
    return jobs.filter((job) => job !== undefined).map(shown);
  }

  async getJobLogs(): Promise<string[]> {
    return [];
  }

  async getMetrics(): Promise<QueueMetrics> {
    return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
  }

  /** The server's place and version are not ours to tell. */
  async getRedisInfo(): Promise<string | null> {
    return null;
  }

  isPaused(): Promise<boolean> {
    return this.#queue.isPaused();
  }

  async getGlobalConcurrency(): Promise<number | null> {
    return null;
  }

  /** Without what they ask for. */
  async getJobSchedulers(): Promise<Omit<AppJobScheduler, "queueName">[]> {
    const schedulers = await this.#queue.getJobSchedulers();
    return schedulers.map(({ key, name, pattern, tz, next, iterationCount }) => ({
      ...{ id: key, name },
      ...(pattern !== undefined && { pattern }),
      ...(tz !== undefined && { tz }),
      ...(next !== undefined && { next }),
      ...(iterationCount !== undefined && { iterationCount }),
    }));
  }

  getJobSchedulersCount(): Promise<number> {
    return this.#queue.getJobSchedulersCount();
  }

  addJob = refuse;
  clean = refuse;
  empty = refuse;
  obliterate = refuse;
  pause = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  resume = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
  updateJobScheduler = refuse;
}

async function refuse(): Promise<never> {
  throw new OutriggerError("read-only", "the board only tells: the dlq command and DELETE /jobs/{id} act");
}

function shown(job: Job): QueueJob {
  const { id, name, timestamp, processedOn, finishedOn, delay, priority, attemptsMade, attemptsStarted } =
    job;
  // By its code alone: the words may be the workload's.
  const reason = job.failedReason ? parseFailure(job.failedReason).reason : undefined;
  const failedReason = FAILURE_REASONS.find((known) => known === reason);
  const view = {
    ...{ id, name, timestamp, processedOn, finishedOn, delay, priority, attemptsMade, attemptsStarted },
    ...{ failedReason, stacktrace: [], progress: 0, data: HIDDEN, opts: { attempts: job.opts.attempts } },
    ...(finishedOn !== undefined && failedReason === undefined && { returnvalue: HIDDEN }),
  };
  const read: Partial<QueueJob> & { id: string } = {
    id: id ?? "",
    toJSON: () => view as never,
    getState: () => job.getState(),
  };
  // The board asks nothing else of one that it may not change.
  return read as QueueJob;
}
