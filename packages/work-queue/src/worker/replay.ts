/** Gives a stored request to the workload, and takes its answer whole. */
import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { OutriggerError, type Bytes } from "@outrigger/core";
import { INLINE_BYTES } from "../blobs/blob-store.ts";
import type { Answer } from "../job/answer.ts";
import { isBlob, readBody, storeBody, type BlobBody, type StoredBody } from "../job/body.ts";
import { answerFields, type Field } from "../job/fields.ts";
import type { StoredRequest } from "../job/stored-request.ts";

export interface ReplayDeps {
  readonly agent: Agent;
  readonly workload: WorkloadAddress;
  readonly maxAnswer: Bytes;
  /** @throws OutriggerError, which ends the replay */
  readBody(stored: BlobBody): AsyncIterable<Buffer>;
  /** Of an answer's body that is larger than a job may be. @throws OutriggerError, which ends the replay */
  keepBody(status: number, pieces: AsyncIterable<Buffer>): Promise<StoredBody>;
}

export interface WorkloadAddress {
  readonly host: string;
  readonly port: number;
  /** As a request names it. */
  readonly authority: string;
}

export function workloadAddress(url: string): WorkloadAddress {
  const { hostname, port, host: authority } = new URL(url);
  // Of an IPv6 address: without its brackets.
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), authority };
}

/**
 * @param added fields of ours
 * @throws OutriggerError `workload-away`: nothing was sent; `no-answer`, `answer-too-large`; what readBody and keepBody throw; the signal's reason
 */
export function replay(
  { method, target, fields, body: stored }: StoredRequest,
  added: readonly Field[],
  { agent, workload, maxAnswer, readBody: readBlob, keepBody }: ReplayDeps,
  signal: AbortSignal,
): Promise<Answer> {
  // A text is one write with the head.
  const body = typeof stored === "string" || isBlob(stored) ? stored : readBody(stored);
  const length = typeof body === "object" && "blob" in body ? body.bytes : Buffer.byteLength(body);
  // In node:http's form of pairs nothing is added or folded.
  const headers: string[] = [];
  let hasHost = false;
  for (const field of fields) {
    hasHost ||= field[0] === "host";
    headers.push(field[0], field[1]);
  }
  // A schedule's has none: whoever makes it need not know who does it.
  if (!hasHost) headers.push("host", workload.authority);
  for (const field of added) headers.push(field[0], field[1]);
  if (length > 0 || !/^(GET|HEAD|DELETE|OPTIONS)$/.test(method))
    headers.push("content-length", String(length));
  // With listeners where node:http has a signal and an iterator: those cost a job a tenth of its CPU.
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const { host, port } = workload;
    let outgoing: ClientRequest;
    try {
      outgoing = httpRequest({
        ...{ host, port, method, path: target, agent, setHost: false },
        headers: headers as never,
      });
    } catch (thrown) {
      // A target or a field that it does not send.
      return reject(whyNone(thrown as Error, workload, signal));
    }
    const onAbort = (): void => end(signal.reason as Error);
    const end = (thrown: Error): void => {
      signal.removeEventListener("abort", onAbort);
      outgoing.destroy();
      reject(whyNone(thrown, workload, signal));
    };
    signal.addEventListener("abort", onAbort);
    let answer: IncomingMessage | null = null;
    outgoing.on("error", end);
    // Nothing else is said of an answer 101, which ends the connection.
    outgoing.on("close", () => {
      if (answer === null) end(new Error("the connection ended without an answer"));
    });
    outgoing.on("response", (message) => {
      answer = message;
      const status = message.statusCode as number;
      if (status < 200 || status > 599)
        return end(new Error(`the status ${status} is not that of an answer`));
      const finish = (kept: StoredBody): void => {
        signal.removeEventListener("abort", onAbort);
        // It did not want to read all of the request.
        if (!outgoing.writableFinished) outgoing.destroy();
        resolve({ status, fields: answerFields(message.rawHeaders), body: kept });
      };
      const pieces: Buffer[] = [];
      let got = 0;
      const onData = (piece: Buffer): void => {
        got += piece.length;
        pieces.push(piece);
        if (got > maxAnswer)
          end(
            new OutriggerError("answer-too-large", `the answer has more than ${maxAnswer} bytes (maxAnswer)`),
          );
        else if (got > INLINE_BYTES) {
          message.off("data", onData).off("end", onEnd).pause();
          keepBody(status, followed(pieces, message)).then(finish, end);
        }
      };
      const onEnd = (): void =>
        finish(storeBody(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)));
      message.on("data", onData).on("end", onEnd).on("error", end);
    });
    if (typeof body === "object" && "blob" in body)
      pipeline(telling(readBlob(body), body.bytes, end), outgoing).catch(end);
    else outgoing.end(body);
  });
}

/** Why there is no answer, as whoever asked for it is told. */
function whyNone(thrown: Error, { host, port }: WorkloadAddress, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  if (thrown instanceof OutriggerError) return thrown;
  // A name with several addresses: of each.
  const [cause = thrown] = thrown instanceof AggregateError ? (thrown.errors as Error[]) : [];
  const { syscall, message } = cause as NodeJS.ErrnoException;
  const wasMade = syscall !== "connect" && syscall !== "getaddrinfo";
  return new OutriggerError(
    wasMade ? "no-answer" : "workload-away",
    `no whole answer from ${host}:${port}: ${message}`,
    { cause: thrown },
  );
}

/** What is wrong with the body is told before the connection that it ends is. */
async function* telling(
  pieces: AsyncIterable<Buffer>,
  length: Bytes,
  failed: (thrown: Error) => void,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    let sent = 0;
    for await (const piece of pieces) {
      sent += piece.length;
      yield piece;
    }
    // The workload would wait for the rest.
    if (sent < length) throw new OutriggerError("no-such-blob", `the body has ${sent} bytes of ${length}`);
  } catch (thrown) {
    failed(thrown as Error);
    throw thrown;
  }
}

async function* followed(
  pieces: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield* pieces;
  yield* rest;
}
