/** Gives a stored request to the workload, and takes its answer whole. */
import { request as httpRequest, type Agent, type IncomingMessage } from "node:http";
import { OutriggerError, type Bytes } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import { readBody, storeBody } from "../job/body.ts";
import { answerFields, type Field } from "../job/fields.ts";
import type { StoredRequest } from "../job/stored-request.ts";

export interface ReplayDeps {
  readonly agent: Agent;
  readonly workload: URL;
  readonly maxAnswer: Bytes;
}

/**
 * @param added fields of ours
 * @throws OutriggerError `no-answer`, `answer-too-large`; the signal's reason
 */
export async function replay(
  request: StoredRequest,
  added: readonly Field[],
  { agent, workload, maxAnswer }: ReplayDeps,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const body = readBody(request.body);
  // In node:http's form of pairs nothing is added or folded.
  const headers = [
    ...request.fields.flatMap(([name, value]) => [name, value]),
    ...added.flatMap(([name, value]) => [name, value]),
    ...(body.length > 0 || !/^(GET|HEAD|DELETE|OPTIONS)$/.test(request.method)
      ? ["content-length", String(body.length)]
      : []),
  ];
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpRequest({
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
      outgoing.end(body);
    });
    const status = message.statusCode as number;
    if (status < 200 || status > 599) {
      message.destroy();
      throw new Error(`the status ${status} is not that of an answer`);
    }
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of message as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > maxAnswer)
        throw new OutriggerError("answer-too-large", `the answer has more than ${maxAnswer} bytes`);
      pieces.push(piece);
    }
    return {
      status,
      fields: answerFields(message.rawHeaders),
      body: storeBody(Buffer.concat(pieces)),
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
  }
}
