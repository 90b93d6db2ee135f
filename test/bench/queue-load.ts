/** What the driver of the queue's bench is told, and what it says. */

export interface QueueLoad {
  /** Where requests are taken. */
  readonly port: number;
  readonly jobs: number;
  /** Callers, each with one request at a time. */
  readonly connections: number;
  /** Instead: one request each so often, whatever became of those before. */
  readonly perSecond?: number;
}

export interface QueueSeen {
  /** Until the last job had come to the workload. */
  readonly seconds: number;
  /** Requests that were not answered 202. */
  readonly refused: number;
  /** Jobs that did not come to the workload. */
  readonly lost: number;
  /** Jobs that came twice, or with another body. */
  readonly wrong: number;
  /** Milliseconds from the beginning of the caller's request to that of the workload's. */
  readonly p50: number;
  readonly p99: number;
}
