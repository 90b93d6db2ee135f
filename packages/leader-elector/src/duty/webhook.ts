/**
 * Tells URLs of the configuration by POST that leadership began or ended. At acquisition all must answer 2xx within the time
 * limit, else the term is over. Repeated within it, after a random part of 100 ms, 200 ms, 400 ms ... 5 s (full jitter), is
 * what met no answer, or 5xx: so a receiver may be told twice, and knows it by the token and the event.
 *
 * Redirects are not followed: where a request goes is said by the configuration and by nobody else.
 */
import { createHmac } from "node:crypto";
import { request as requestPlain, type IncomingMessage } from "node:http";
import { request as requestTls } from "node:https";
import { formatDuration, OutriggerError, readText, type Counter, type Milliseconds } from "@outrigger/core";
import type { Duty, EndReason, Term } from "./duty.ts";
import { parseWebhookUrl } from "./webhook-url.ts";
import { failures, type HookDeps, type HookEvent } from "./hook.ts";

export interface WebhookOptions {
  /** http or https, without userinfo. All are told at once. */
  readonly urls: readonly string[];
  /** For all attempts of one event together. Default 5 s. */
  readonly timeLimit?: Milliseconds;
  /**
   * Holds the key of `X-Outrigger-Signature: sha256=HEX`, the HMAC-SHA256 of the body; read anew for each event, a line feed at
   * its end is none of it. Default: no signature.
   */
  readonly secretFile?: string;
  /** PEM: what https trusts instead of what the system does. */
  readonly caFile?: string;
}

export interface WebhookDeps extends HookDeps {
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const TIME_LIMIT: Milliseconds = 5_000;
const FIRST_PAUSE: Milliseconds = 100;
const LONGEST_PAUSE: Milliseconds = 5_000;
/** Of an answer: what is more ends the connection. */
const LARGEST_ANSWER = 64 * 1024;
/** Of an answer in a message. */
const SHOWN = 200;

export class Webhook implements Duty {
  readonly name = "webhook";
  readonly #options: WebhookOptions;
  readonly #deps: WebhookDeps;
  readonly #urls: readonly URL[];
  readonly #failures: Readonly<Record<HookEvent, Counter>>;

  /** @throws OutriggerError `bad-webhook-url` */
  constructor(options: WebhookOptions, deps: WebhookDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#urls = options.urls.map(parseWebhookUrl);
    this.#failures = failures(
      deps.metrics,
      "outrigger_webhook_failures_total",
      "Events that a webhook was not told",
    );
  }

  /** @throws OutriggerError `webhook-failed`, with each URL that did */
  async begin(term: Term, signal: AbortSignal): Promise<void> {
    const refusals = await this.#tell("acquired", term, null, signal);
    signal.throwIfAborted();
    if (refusals.length > 0) throw new OutriggerError("webhook-failed", refusals.join("\n"));
  }

  async end(term: Term, why: EndReason, hurry: AbortSignal): Promise<void> {
    for (const refusal of await this.#tell("ended", term, why, hurry)) this.#deps.log.error({}, refusal);
  }

  /** What went wrong, a sentence for each URL that was not told. */
  async #tell(
    event: HookEvent,
    term: Term,
    reason: EndReason | null,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { clock, log } = this.#deps;
    const { timeLimit = TIME_LIMIT, secretFile, caFile } = this.#options;
    const { election, id, token, acquiredAt } = term;
    const rest = JSON.stringify({
      election,
      id,
      event,
      reason,
      acquiredAt: new Date(acquiredAt).toISOString(),
    });
    // All of its digits, which JSON.stringify would not take.
    const body = `{"token":${token},${rest.slice(1)}`;
    const over = new AbortController();
    const limit = clock.timer(timeLimit, () =>
      over.abort(new Error(`it was not told within ${formatDuration(timeLimit)}`)),
    );
    const stop = (): void => over.abort(new Error("the time is up"));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const told = await Promise.allSettled(
      this.#urls.map(async (url) => {
        const key = secretFile === undefined ? null : (await readText(secretFile)).replace(/\r?\n$/, "");
        const ca = caFile === undefined ? null : await readText(caFile);
        await this.#deliver({ url, body, key, ca }, over.signal);
        log.debug({ url: url.href, event }, "a webhook was told");
      }),
    );
    limit.clear();
    signal.removeEventListener("abort", stop);
    return told.flatMap((outcome, index) => {
      if (outcome.status === "fulfilled") return [];
      this.#failures[event].inc();
      return [`webhook ${this.#urls[index]?.href}, ${event}: ${(outcome.reason as Error).message}`];
    });
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#deps;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, 2 * pause)) {
      let why: string;
      try {
        const { status, text } = await post(delivery, signal);
        if (status >= 200 && status <= 299) return;
        why = `it answered ${status}${text === "" ? "" : `: ${text}`}`;
        if (status < 500) throw new OutriggerError("webhook-refused", why);
      } catch (error) {
        if (error instanceof OutriggerError) throw error;
        why = (error as Error).message;
      }
      try {
        await clock.sleep(pause * random(), signal);
      } catch (error) {
        const { message } = error as Error;
        throw new Error(why === message ? message : `${message}; at last: ${why}`, { cause: error });
      }
    }
  }
}

interface Delivery {
  readonly url: URL;
  readonly body: string;
  readonly key: string | null;
  readonly ca: string | null;
}

function post(delivery: Delivery, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const { url, body, key, ca } = delivery;
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestTls : requestPlain;
    const request = send(url, {
      method: "POST",
      agent: false,
      signal,
      ...(ca !== null && { ca }),
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "outrigger-leader-elector",
        ...(key !== null && {
          "x-outrigger-signature": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
        }),
      },
    });
    request.on("error", (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    // Node says no more than this where somebody switches protocols unasked.
    const unanswered = (): void => reject(new Error("it gave no answer"));
    request.once("close", unanswered);
    request.on("response", (response: IncomingMessage) => {
      request.off("close", unanswered);
      let size = 0;
      let text = "";
      response.on("data", (chunk: Buffer) => {
        if (size < SHOWN) text += chunk.toString("latin1");
        size += chunk.length;
        if (size > LARGEST_ANSWER) response.destroy();
      });
      response.on("error", () => {});
      // Whole or not: its status is what counts.
      response.on("close", () => {
        if (signal.aborted) return reject(signal.reason as Error);
        const shown = text
          .slice(0, SHOWN)
          .replace(/[\x00-\x1f\x7f-\xff]+/g, " ")
          .trim();
        resolve({ status: response.statusCode ?? 0, text: shown });
      });
    });
    request.end(body);
  });
}
