/**
 * Tells the targets of the configuration that a job has ended. The word is kept as a job of its own, in the queue NAME+webhooks of the
 * same backend, before the job ends: whoever dies then or later takes no word with it, and a target may be told twice.
 * What is told was read from the backend then, so that no end is told which has not happened.
 */
import { DelayedError, type Job, type Queue, type Worker } from "bullmq";
import {
  formatDuration,
  OutriggerError,
  type Clock,
  type Counter,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import { isEnd, standingJson, type Standing, type StandingJson } from "../job/standing.ts";
import { pauseAfter } from "../worker/backoff.ts";
import { callWebhook } from "./call.ts";

export interface WebhooksOptions {
  readonly queue: string;
  readonly webhooks: readonly string[];
  readonly webhookSecretFile: string;
  readonly webhookCaFile?: string | undefined;
  readonly lockDuration: Milliseconds;
}

export interface WebhooksDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: () => number;
  /** null: it is not kept any more. */
  find(id: string): Promise<Standing | null>;
}

interface Word {
  readonly target: string;
  /** As it will be once the job has ended; told where the job is not kept any more. */
  readonly standing: StandingJson;
}

/** Calls at once, of one process. */
const CONCURRENCY = 10;
const CALL_LIMIT: Milliseconds = 10_000;
const ATTEMPTS = 100;
const FIRST_PAUSE: Milliseconds = 1_000;
/** Half of it on average: 100 attempts take about four hours. */
const LONGEST_PAUSE: Milliseconds = 300_000;
/** A job about to end has ended within milliseconds. */
const LOOKS: readonly Milliseconds[] = [5, 10, 20, 50, 100, 300];
const LOOK_AGAIN: Milliseconds = 5_000;
/** For the calls that are handed back at the end. */
const LAST_WORDS: Milliseconds = 1_000;
/** Between attempts to keep a word. */
const KEEP_AGAIN: Milliseconds = 1_000;

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #deps: WebhooksDeps;
  readonly #queue: Queue<Word, void>;
  readonly #worker: Worker<Word, void>;
  readonly #outcome: (outcome: "told" | "again" | "given-up" | "dropped") => Counter;
  readonly #ended = new AbortController();

  constructor(backend: Backend, options: WebhooksOptions, deps: WebhooksDeps) {
    this.#options = options;
    this.#deps = deps;
    const calls = deps.metrics.counter(
      "outrigger_queue_webhooks_total",
      "Calls of webhooks: told, again (tried later), given-up, dropped (a later attempt tells, or no longer a target)",
      ["outcome"],
    );
    this.#outcome = (outcome) => calls.with({ outcome });
    // No queue of a configuration has this name.
    const name = `${options.queue}+webhooks`;
    const onError = (error: Error): void =>
      deps.log.warn({ err: error.message }, "the webhooks are not reached");
    this.#queue = backend.openQueue<Word, void>(name);
    this.#queue.on("error", onError);
    this.#worker = backend.openWorker<Word, void>(name, (job, token) => this.#run(job, token as string), {
      concurrency: CONCURRENCY,
      lockDuration: options.lockDuration,
      stalledInterval: options.lockDuration,
      maxStalledCount: ATTEMPTS,
      settings: {
        backoffStrategy: (attempt) => pauseAfter(attempt, FIRST_PAUSE, LONGEST_PAUSE, deps.random),
      },
    });
    this.#worker.on("error", onError);
  }

  /**
   * Keeps the word of an end; resolves when it is kept, however long the backend is away.
   * @param standing as it will be
   * @throws OutriggerError `worker-ends`
   */
  async keep(standing: Standing): Promise<void> {
    const { clock, log } = this.#deps;
    const told = standingJson(standing);
    const words = this.#options.webhooks.map((target) => ({
      name: "webhook",
      data: { target, standing: told },
      opts: {
        attempts: ATTEMPTS,
        backoff: { type: "custom" },
        removeOnComplete: true,
        removeOnFail: true,
        stackTraceLimit: 0,
      },
    }));
    for (;;) {
      try {
        await this.#queue.addBulk(words);
        return;
      } catch (thrown) {
        log.warn({ job: standing.id, err: (thrown as Error).message }, "a webhook's word is not kept yet");
      }
      await clock.sleep(KEEP_AGAIN, this.#ended.signal).catch(() => {});
      if (this.#ended.signal.aborted) throw new OutriggerError("worker-ends", "this worker ends");
    }
  }

  /** At once: calls under way are made again, by whoever is there; after lockDuration where the backend does not hear of it. */
  async end(): Promise<void> {
    this.#ended.abort(new OutriggerError("worker-ends", "this worker ends"));
    const tooLong = new AbortController();
    const waited = this.#deps.clock.sleep(LAST_WORDS, tooLong.signal).catch(() => {});
    await Promise.race([this.#worker.close(), waited]);
    tooLong.abort();
  }

  async #run(job: Job<Word, void>, token: string): Promise<void> {
    const { target, standing } = job.data;
    if (!this.#options.webhooks.includes(target)) return this.#drop();
    const now = await this.#endOf(standing);
    if (now === "later") return this.#drop();
    if (now === "soon") {
      await job.moveToDelayed(this.#deps.clock.wallTime() + LOOK_AGAIN, token);
      throw new DelayedError();
    }
    await this.#tell(job, target, now);
  }

  #drop(): void {
    this.#outcome("dropped").inc();
  }

  /** What is to be told; soon: it has not ended yet; later: it did not, and is being tried again. */
  async #endOf(word: StandingJson): Promise<StandingJson | "soon" | "later"> {
    const { clock, find } = this.#deps;
    for (const pause of [...LOOKS, null]) {
      const now = await find(word.id);
      if (now === null) return word;
      if (isEnd(now.state)) return standingJson(now);
      if (now.attempts !== word.attempts) return "later";
      if (pause !== null) await clock.sleep(pause, this.#ended.signal);
    }
    return "soon";
  }

  async #tell(job: Job<Word, void>, target: string, standing: StandingJson): Promise<void> {
    const { clock, log } = this.#deps;
    const { webhookSecretFile, webhookCaFile } = this.#options;
    const over = new AbortController();
    const limit = clock.timer(CALL_LIMIT, () =>
      over.abort(new OutriggerError("not-told", `no answer within ${formatDuration(CALL_LIMIT)}`)),
    );
    const body = JSON.stringify(standing);
    const options = {
      secretFile: webhookSecretFile,
      caFile: webhookCaFile,
      wallTime: () => clock.wallTime(),
    };
    try {
      const signal = AbortSignal.any([over.signal, this.#ended.signal]);
      await callWebhook(target, standing.id, body, options, signal);
      this.#outcome("told").inc();
    } catch (thrown) {
      const { message } = OutriggerError.from(thrown);
      const last = job.attemptsMade + 1 >= ATTEMPTS;
      this.#outcome(last ? "given-up" : "again").inc();
      const fields = { job: standing.id, webhook: target, attempt: job.attemptsMade + 1, err: message };
      if (last) log.error(fields, "a webhook was not told, and is given up");
      else log.warn(fields, "a webhook was not told; it is tried again");
      throw thrown;
    } finally {
      limit.clear();
    }
  }
}
