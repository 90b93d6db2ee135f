/** Gives a stored request to the workload, and takes its answer whole. */
import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { OutriggerError } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import { isBlob, readBody, type BlobBody, type StoredBody } from "../job/body.ts";
import { answerFields, type Field } from "../job/fields.ts";
import type { StoredRequest } from "../job/stored-request.ts";

export interface ReplayDeps {
  readonly agent: Agent;
  readonly workload: URL;
  /** @throws OutriggerError, which ends the replay */
  readBody(stored: BlobBody): AsyncIterable<Buffer>;
  /** @throws OutriggerError, which ends the replay */
  keepBody(status: number, pieces: AsyncIterable<Buffer>): Promise<StoredBody>;
}

/**
 * @param added fields of ours
 * @throws OutriggerError `no-answer`; what readBody and keepBody throw; the signal's reason
 */
export async function replay(
  request: StoredRequest,
  added: readonly Field[],
  deps: ReplayDeps,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const { agent, workload } = deps;
  const { body } = request;
  const inline = isBlob(body) ? null : readBody(body);
  const length = isBlob(body) ? body.bytes : (inline as Buffer).length;
  // In node:http's form of pairs nothing is added or folded.
  const headers = [
    ...request.fields.flatMap(([name, value]) => [name, value]),
    ...added.flatMap(([name, value]) => [name, value]),
    ...(length > 0 || !/^(GET|HEAD|DELETE|OPTIONS)$/.test(request.method)
      ? ["content-length", String(length)]
      : []),
  ];
  let outgoing: ClientRequest | undefined;
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing = httpRequest({
        // Of an IPv6 address: without its brackets.
        host: workload.hostname.replace(/^\[|\]$/g, ""),
        port: workload.port || 80,
        method: request.method,
        path: request.target,
        headers: headers as never,
        setHost: false,
        agent,
        signal,
      });
      outgoing.once("response", resolve).once("error", reject);
      // Nothing else is said of an answer 101, which ends the connection.
      outgoing.once("close", () => reject(new Error("the connection ended without an answer")));
      if (isBlob(body))
        // Where it fails the request ends with the same error.
        pipeline(deps.readBody(body), outgoing).catch(reject);
      else outgoing.end(inline);
    });
    const status = message.statusCode as number;
    if (status < 200 || status > 599) {
      message.destroy();
      throw new Error(`the status ${status} is not that of an answer`);
    }
    return {
      status,
      fields: answerFields(message.rawHeaders),
      body: await deps.keepBody(status, message as AsyncIterable<Buffer>),
    };
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof OutriggerError) throw thrown;
    throw new OutriggerError(
      "no-answer",
      `no whole answer from ${workload.host}: ${(thrown as Error).message}`,
      {
        cause: thrown,
      },
    );
  } finally {
    // It has answered, and did not want to read all of it.
    if (outgoing?.writableFinished === false) outgoing.destroy();
  }
}
