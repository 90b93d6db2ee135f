/** Live reload: load, validate whole, swap atomically; what is invalid is refused, the old stays, and everyone can see it. */
import { OutriggerError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Counter, Gauge, Metrics } from "../metrics/metrics.ts";
import type { Clock } from "../time/clock.ts";
import { ConfigError, formatProblem } from "./problem.ts";

export interface ReloaderOptions<Config> {
  /** Reads and validates; rejects with what is wrong. */
  load(): Promise<Config>;
  /** Swaps; when it rejects, the old config still serves. */
  apply(config: Config): Promise<void>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * success: swapped. refused: it did not validate. failed: it did, and could not be applied.
 * ignored: asked for after close(), not counted.
 */
export type ReloadResult = "success" | "refused" | "failed" | "ignored";
type CountedResult = Exclude<ReloadResult, "ignored">;

export class ConfigReloader<Config> {
  readonly #options: ReloaderOptions<Config>;
  readonly #results: Readonly<Record<CountedResult, Counter>>;
  readonly #successful: Gauge;
  readonly #successTime: Gauge;
  #phase: "waiting" | "open" | "closed" = "waiting";
  #queue: Promise<unknown>;
  #release: () => void = () => {};

  constructor(options: ReloaderOptions<Config>) {
    this.#options = options;
    this.#queue = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    const { metrics, clock } = options;
    const results = metrics.counter(
      "outrigger_config_reloads_total",
      "Reloads of the configuration by result",
      ["result"],
    );
    this.#results = {
      success: results.with({ result: "success" }),
      refused: results.with({ result: "refused" }),
      failed: results.with({ result: "failed" }),
    };
    this.#successful = metrics
      .gauge(
        "outrigger_config_last_reload_successful",
        "1 if the last load of the configuration was used, else 0",
      )
      .with({});
    this.#successTime = metrics
      .gauge(
        "outrigger_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was loaded",
      )
      .with({});
    // The load at the start is the first success.
    this.#successful.value = 1;
    this.#successTime.value = clock.wallTime() / 1000;
  }

  /** What is to be reloaded has started: reloads that were asked for before go ahead, in order. */
  open(): void {
    if (this.#phase !== "waiting") return;
    this.#phase = "open";
    this.#release();
  }

  /** Begins no reload any more, not even one that waits; resolves when the one under way has ended. Idempotent. */
  async close(): Promise<void> {
    this.#phase = "closed";
    this.#release();
    await this.#queue;
  }

  /** One at a time, in order, none before open(). Never rejects. */
  reload(cause: string): Promise<ReloadResult> {
    if (this.#phase === "waiting")
      this.#options.log.info({ cause }, "the configuration is reloaded when the start is over");
    if (this.#phase === "closed") return Promise.resolve(this.#ignore(cause));
    const result = this.#queue.then(() => this.#reload(cause));
    this.#queue = result;
    return result;
  }

  #ignore(cause: string): "ignored" {
    this.#options.log.info({ cause }, "configuration not reloaded: it is shutting down");
    return "ignored";
  }

  async #reload(cause: string): Promise<ReloadResult> {
    const { load, apply, clock, log } = this.#options;
    if (this.#phase === "closed") return this.#ignore(cause);
    let result: CountedResult = "refused";
    try {
      const config = await load();
      result = "failed";
      await apply(config);
      result = "success";
      this.#successTime.value = clock.wallTime() / 1000;
      log.info({ cause }, "configuration reloaded");
    } catch (thrown) {
      log.error(
        { cause, result, ...fieldsOf(thrown) },
        "configuration not reloaded: the old one stays in use",
      );
    }
    this.#results[result].inc();
    this.#successful.value = result === "success" ? 1 : 0;
    return result;
  }
}

/** Our own errors are a sentence for who wrote the configuration; a stack is for what nobody foresaw. */
function fieldsOf(thrown: unknown): object {
  if (thrown instanceof ConfigError) return { problems: thrown.problems.map(formatProblem) };
  if (thrown instanceof OutriggerError) return { code: thrown.code, reason: thrown.message };
  return { error: thrown };
}
