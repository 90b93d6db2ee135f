/**
 * Commands that run once when a term begins and once when it ends. The first decides: where it fails, or takes too long, the
 * term is over. The second cannot hold anything up for longer than its limit; how it failed is logged.
 */
import {
  formatDuration,
  OutriggerError,
  type Counter,
  type Logger,
  type Milliseconds,
} from "@outrigger/core";
import type { Readable } from "node:stream";
import type { Duty, EndReason, Term } from "./duty.ts";
import { failures, type HookDeps, type HookEvent } from "./hook.ts";
import { findCommand, formatExit, ProcessGroup, termEnvironment } from "./process-group.ts";

export interface CommandHookOptions {
  /** Runs at acquisition: argv, no shell. Its environment: OUTRIGGER_ELECTION, _ID, _TOKEN, _EVENT=acquired. */
  readonly acquired?: readonly string[];
  /** Runs at the end of each term, also of one whose begin failed. The same, with _EVENT=ended and _REASON. */
  readonly ended?: readonly string[];
  /** Then it is killed, with all of its process group. Default 5 s. */
  readonly timeLimit?: Milliseconds;
}

const TIME_LIMIT: Milliseconds = 5_000;
/** Of one run: what is more is counted and dropped. */
const MOST_LINES = 100;
const LONGEST_LINE = 1_000;
/** For the output of who has ended: somebody who left its group may hold it for ever. */
const OUTPUT_AFTER_END: Milliseconds = 500;

export class CommandHook implements Duty {
  readonly name = "command-hook";
  readonly #options: CommandHookOptions;
  readonly #deps: HookDeps;
  readonly #failures: Readonly<Record<HookEvent, Counter>>;

  constructor(options: CommandHookOptions, deps: HookDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#failures = failures(deps.metrics, "outrigger_command_hook_failures_total", "Commands that failed");
  }

  /** @throws OutriggerError `command-not-found` */
  async start(): Promise<void> {
    for (const argv of [this.#options.acquired, this.#options.ended])
      if (argv !== undefined) findCommand(argv);
  }

  /** @throws OutriggerError `hook-failed`, `command-not-found`, `cannot-start` */
  async begin(term: Term, signal: AbortSignal): Promise<void> {
    const { acquired } = this.#options;
    if (acquired === undefined) return;
    try {
      await this.#run(acquired, termEnvironment(term, { OUTRIGGER_EVENT: "acquired" }), signal);
    } catch (error) {
      this.#failures.acquired.inc();
      throw error;
    }
  }

  async end(term: Term, why: EndReason, hurry: AbortSignal): Promise<void> {
    const { ended } = this.#options;
    if (ended === undefined) return;
    const env = termEnvironment(term, { OUTRIGGER_EVENT: "ended", OUTRIGGER_REASON: why });
    try {
      await this.#run(ended, env, hurry);
    } catch (error) {
      this.#failures.ended.inc();
      this.#deps.log.error({ error }, "the command at the end of leadership failed");
    }
  }

  async #run(argv: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { clock, log } = this.#deps;
    const { timeLimit = TIME_LIMIT } = this.#options;
    const group = await ProcessGroup.start(argv, { env, stdio: ["ignore", "pipe", "pipe"], clock });
    const said = new OutputLog(log.child({ command: argv[0], pid: group.pid }));
    const closed = new Promise<void>((resolve) => group.process.once("close", () => resolve()));
    said.follow(group.process.stdout as Readable);
    said.follow(group.process.stderr as Readable);
    const over = new AbortController();
    const limit = clock.timer(timeLimit, () =>
      over.abort(new Error(`it had not ended after ${formatDuration(timeLimit)}`)),
    );
    const stop = (): void => over.abort(new Error("the term ended meanwhile"));
    signal.addEventListener("abort", stop, { once: true });
    const kill = (): void => group.signal("SIGKILL");
    over.signal.addEventListener("abort", kill, { once: true });
    // The signal may have come while it was being started.
    if (signal.aborted) stop();
    const exit = await group.exited;
    limit.clear();
    signal.removeEventListener("abort", stop);
    await group.gone(AbortSignal.abort());
    const enough = new AbortController();
    await Promise.race([closed, clock.sleep(OUTPUT_AFTER_END, enough.signal).catch(() => {})]);
    enough.abort();
    group.process.stdout?.destroy();
    group.process.stderr?.destroy();
    said.end();
    if (over.signal.aborted || exit.code !== 0)
      throw new OutriggerError(
        "hook-failed",
        `${argv[0]} failed: ${over.signal.aborted ? (over.signal.reason as Error).message : formatExit(exit)}${said.last === "" ? "" : `; it said: ${said.last}`}`,
      );
  }
}

/** What a command prints, as lines of our log: bounded in length and in number. */
class OutputLog {
  readonly #log: Logger;
  #lines = 0;
  readonly #rests: (() => void)[] = [];
  /** The last line that was not empty, for the report of a failure. */
  last = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  follow(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      // A line without an end is not kept for longer than it is shown.
      rest = (lines.pop() as string).slice(0, LONGEST_LINE + 1);
      for (const line of lines) this.#say(line);
    });
    stream.on("error", () => {});
    this.#rests.push(() => this.#say(rest));
  }

  end(): void {
    for (const say of this.#rests) say();
    if (this.#lines > MOST_LINES)
      this.#log.warn({}, `${this.#lines - MOST_LINES} further lines were dropped`);
  }

  #say(line: string): void {
    if (line.trim() === "") return;
    this.last = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}...` : line;
    if (++this.#lines <= MOST_LINES) this.#log.info({}, this.last);
  }
}
