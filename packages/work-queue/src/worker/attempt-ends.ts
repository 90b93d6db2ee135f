/** How an attempt ends that brings no answer that counts. */
import { UnrecoverableError } from "bullmq";
import type { Milliseconds } from "@outrigger/core";
import type { Outcome } from "@outrigger/upstream";
import { formatFailure, type Failure } from "../job/failure.ts";

/** Another may follow; where none does, this is why the job has failed. */
export class FailedAttempt extends Error {
  readonly outcome: Outcome;

  constructor(failure: Failure, outcome: Outcome, options?: ErrorOptions) {
    super(formatFailure(failure), options);
    this.outcome = outcome;
  }
}

/** Not tried to its end: that is for another worker. */
export class HandedBack extends Error {
  readonly pause: Milliseconds;

  constructor(message: string, options: ErrorOptions & { readonly pause?: Milliseconds }) {
    super(message, options);
    this.pause = options.pause ?? 0;
  }
}

/** No other follows. */
export class Refused extends UnrecoverableError {
  constructor(failure: Failure, options?: ErrorOptions) {
    super(formatFailure(failure));
    this.cause = options?.cause;
  }
}
