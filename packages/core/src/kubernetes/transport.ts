/** One request to an API server over node:https (or node:http), its connections kept; the answer's body is the caller's. */
import * as http from "node:http";
import * as https from "node:https";
import { OutriggerError } from "../errors.ts";
import { formatSize, type Bytes, type Milliseconds } from "../units.ts";
import type { ClusterAccess } from "./cluster-access.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  /** With its query. */
  readonly path: string;
  readonly body: { readonly type: string; readonly text: string } | null;
}

/** Below the 90 s after which an API server closes an idle connection: a request must not meet that. */
const IDLE: Milliseconds = 30_000;
/** A peer that has vanished is found by the kernel, in this time and a few seconds. */
const KEEP_ALIVE: Milliseconds = 10_000;

export class Transport {
  readonly #access: ClusterAccess;
  readonly #agent: http.Agent | https.Agent;

  constructor(access: ClusterAccess) {
    this.#access = access;
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE, maxFreeSockets: 2, timeout: IDLE };
    this.#agent = access.server.protocol === "https:" ? new https.Agent(options) : new http.Agent(options);
  }

  /** Resolves with the answer's head. Aborting ends its body, too: `read` then rejects. */
  async open({ method, path, body }: Call, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { server, serverName, insecure } = this.#access;
    const { token, ca, cert, key } = await this.#access.credentials();
    signal.throwIfAborted();
    const headers: http.OutgoingHttpHeaders = {
      accept: "application/json",
      "user-agent": "outrigger",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { "content-type": body.type, "content-length": Buffer.byteLength(body.text) }),
    };
    const secure: https.RequestOptions =
      server.protocol === "https:"
        ? {
            rejectUnauthorized: !insecure,
            ...(ca === null ? {} : { ca }),
            ...(cert === null || key === null ? {} : { cert, key }),
            ...(serverName === null ? {} : { servername: serverName }),
          }
        : {};
    const request = (server.protocol === "https:" ? https : http).request({
      method,
      host: server.hostname.replace(/^\[|\]$/g, ""),
      port: server.port || (server.protocol === "https:" ? 443 : 80),
      path: `${server.pathname.replace(/\/$/, "")}${path}`,
      headers,
      agent: this.#agent,
      ...secure,
    });
    return await new Promise<http.IncomingMessage>((resolve, reject) => {
      const abort = (): void => void request.destroy(OutriggerError.from(signal.reason, "aborted"));
      const done = (): void => signal.removeEventListener("abort", abort);
      signal.addEventListener("abort", abort, { once: true });
      request.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE));
      request.once("close", done);
      // More than once: an answer that was cut is an error of the request, too.
      request.on("error", (error) => reject(signal.aborted ? (signal.reason as Error) : error));
      request.once("response", (message) => {
        message.on("error", () => {});
        resolve(message);
      });
      request.end(body?.text);
    });
  }

  /** Ends the connections that are kept, and what is under way. */
  close(): void {
    this.#agent.destroy();
  }
}

/** @throws OutriggerError `kubernetes-unexpected` for more than `most` bytes; the system's error for a body that was cut */
export async function readBody(message: http.IncomingMessage, most: Bytes): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) {
      message.destroy();
      throw new OutriggerError("kubernetes-unexpected", `the answer is larger than ${formatSize(most)}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
