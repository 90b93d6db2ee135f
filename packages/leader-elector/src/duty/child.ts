/**
 * The child: a command that runs only while this candidate leads. Its output is ours; it reads nothing.
 *
 * `end` resolves when nothing of its process group runs any more, and an elector that exits kills what is left of it. What
 * leaves the group (setsid) is not seen. A child outlives an elector that was killed (kill -9) unless the kernel ends both:
 * it does where the elector is PID 1 of its container, and where setpriv of util-linux is there, through which the command is
 * started then (PR_SET_PDEATHSIG, which reaches the command itself and not what that has started).
 *
 * As PID 1 the elector becomes the parent of orphans, and Node does not wait for those that it did not start: they stay as
 * zombies. Where a child leaves many, put an init in front (tini, catatonit), or share the pod's process namespace.
 */
import { spawn } from "node:child_process";
import {
  type Clock,
  type Counter,
  formatDuration,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import type { Duty, EndReason, Term } from "./duty.ts";
import { findCommand, formatExit, ProcessGroup, termEnvironment, type Exit } from "./process-group.ts";

export interface ChildOptions {
  /** The command and its arguments; no shell. */
  readonly argv: readonly string[];
  /**
   * When it ends by itself. `restart` (default): it is started again, after 100 ms, doubled with each time up to 10 s, and
   * 100 ms again once it has run for 10 s. `exit`: the term ends.
   */
  readonly onExit?: "restart" | "exit";
}

export interface ChildDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The term must end (`failed`), for the reason in words. */
  onFailure(reason: string): void;
  /** Default: this process's. */
  readonly pid?: number;
}

const FIRST_PAUSE: Milliseconds = 100;
const LONGEST_PAUSE: Milliseconds = 10_000;
/** Who ran for so long was well. */
const WELL_AFTER: Milliseconds = 10_000;
/** Ends the command when its parent ends; its arguments follow. */
const TIED = ["setpriv", "--pdeathsig", "KILL", "--"];

export class Child implements Duty {
  readonly name = "child";
  readonly #options: ChildOptions;
  readonly #deps: ChildDeps;
  readonly #restarts: Counter;
  /** What stands before the command. */
  #tie: readonly string[] = [];
  #group: ProcessGroup | null = null;
  /** Aborts when the term ends: nothing is started again. */
  #ending = new AbortController();
  /** Follows the child of this term. */
  #watch: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions, deps: ChildDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#restarts = deps.metrics
      .counter("outrigger_child_restarts_total", "Times that the child ended by itself and was started again")
      .with({});
  }

  /** @throws OutriggerError `command-not-found` */
  async start(): Promise<void> {
    findCommand(this.#options.argv);
    if ((this.#deps.pid ?? process.pid) === 1) return;
    if (await canTie()) this.#tie = TIED;
    else
      this.#deps.log.warn(
        {},
        "the child would outlive this process if that were killed (kill -9): it is not PID 1, and there is no setpriv of " +
          "util-linux to tie them",
      );
  }

  async begin(term: Term, signal: AbortSignal): Promise<void> {
    this.#ending = new AbortController();
    signal.throwIfAborted();
    await this.#run(term);
    this.#watch = this.#follow(term, this.#ending.signal);
  }

  async end(_term: Term, _why: EndReason, hurry: AbortSignal): Promise<void> {
    this.#ending.abort(new Error("the term has ended"));
    await this.#endGroup(hurry);
    // A restart may just have been under way.
    await this.#watch;
    await this.#endGroup(hurry);
    if (this.#group !== null) this.#deps.log.info({}, "the child has ended");
    this.#group = null;
  }

  async #endGroup(hurry: AbortSignal): Promise<void> {
    if (!hurry.aborted) this.#group?.signal("SIGTERM");
    await this.#group?.gone(hurry);
  }

  async #run(term: Term): Promise<ProcessGroup> {
    // setpriv would only say 127.
    findCommand(this.#options.argv);
    const group = await ProcessGroup.start([...this.#tie, ...this.#options.argv], {
      env: termEnvironment(term),
      stdio: ["ignore", "inherit", "inherit"],
      clock: this.#deps.clock,
    });
    this.#group = group;
    this.#deps.log.info({ pid: group.pid }, "the child runs");
    return group;
  }

  async #follow(term: Term, ending: AbortSignal): Promise<void> {
    const { clock, log, onFailure } = this.#deps;
    const { argv, onExit = "restart" } = this.#options;
    let pause = FIRST_PAUSE;
    while (!ending.aborted) {
      const group = this.#group as ProcessGroup;
      const began = clock.now();
      const exit: Exit = await group.exited;
      if (ending.aborted) return;
      // What it left behind must not stand beside its successor.
      await group.gone(AbortSignal.abort());
      if (ending.aborted) return;
      const said = `${argv[0]} ended by itself (${formatExit(exit)})`;
      if (onExit === "exit") return onFailure(said);
      if (clock.now() - began >= WELL_AFTER) pause = FIRST_PAUSE;
      log.warn({}, `${said}: it is started again after ${formatDuration(pause)}`);
      try {
        await clock.sleep(pause, ending);
        pause = Math.min(LONGEST_PAUSE, 2 * pause);
        await this.#run(term);
        this.#restarts.inc();
      } catch (error) {
        if (ending.aborted) return;
        return onFailure((error as Error).message);
      }
    }
  }
}

/** Whether there is a setpriv, and it can do that (that of busybox cannot). */
function canTie(): Promise<boolean> {
  return new Promise((resolve) => {
    const [command = "", ...args] = TIED;
    const tried = spawn(command, [...args, process.execPath, "--version"], { stdio: "ignore" });
    tried.once("error", () => resolve(false));
    tried.once("exit", (code) => resolve(code === 0));
  });
}
