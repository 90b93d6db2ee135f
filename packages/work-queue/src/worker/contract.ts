/** How a job is put to its workload: what a worker asks of it, whatever the workload reads and writes. */
import type { Bytes } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import type { StoredBody } from "../job/body.ts";
import type { StoredRequest } from "../job/stored-request.ts";

export interface Attempt {
  /** Of its job. */
  readonly id: string;
  /** From 1. */
  readonly number: number;
  /** No other follows, should it fail. */
  readonly isLast: boolean;
  readonly request: StoredRequest;
  readonly maxAnswer: Bytes;
  /** Of the answer. @throws OutriggerError `answer-too-large`, `blob-not-kept`, which end the attempt */
  keepBody(status: number, pieces: AsyncIterable<Buffer>): Promise<StoredBody>;
}

export interface Contract {
  /** Whether the workload can be given jobs. @param path of `ready` @returns what is wrong; null: nothing */
  look(path: string | null, signal: AbortSignal): Promise<string | null>;
  /**
   * @throws the signal's reason. OutriggerError `workload-away`: the workload can be given nothing; `blob-not-read`,
   * `input-not-written`: it was not, by our fault; `output-not-read`: done, and not read, by our fault; `no-such-blob`; `bad-output`:
   * done, but it is no answer; what keepBody throws; any other code: a failed attempt
   */
  attempt(attempt: Attempt, signal: AbortSignal): Promise<Answer>;
  /** A job has ended, and its backend knows it. */
  ended?(id: string): void;
  /** Whatever could still be running is nobody's any more. */
  end(): Promise<void>;
}
