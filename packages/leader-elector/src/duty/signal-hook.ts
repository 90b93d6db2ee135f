/**
 * Tells an unmodified process by a signal that leadership begins or ends. It is found by its name, where the pod shares its
 * process namespace (shareProcessNamespace: true) or our image is its, or by its pid file.
 *
 * By name it is the one process called so whose parent is not: the master of a server and its workers. Two of them are an
 * error. Whether a pid is still that process is looked at again, by its start time, right before the signal; a process that
 * ends in the moment between cannot be excluded.
 */
import { formatDuration, OutriggerError, readText, type Counter, type Milliseconds } from "@outrigger/core";
import type { Duty, EndReason, Term } from "./duty.ts";
import { failures, type HookDeps, type HookEvent } from "./hook.ts";
import { hasEnded, isCalled, listProcesses, readProcess, type ProcessEntry } from "./process-table.ts";

export interface SignalHookOptions {
  /** `name`: as the kernel calls it (/proc/PID/comm), or its program's file. `pidFile`: has its pid. */
  readonly process: { readonly name: string } | { readonly pidFile: string };
  /** Default SIGUSR1. */
  readonly acquired?: NodeJS.Signals;
  /** Default SIGUSR2. */
  readonly ended?: NodeJS.Signals;
  /** How long a process that is not there is waited for at acquisition: it may be starting. Default 5 s. */
  readonly timeLimit?: Milliseconds;
}

const TIME_LIMIT: Milliseconds = 5_000;
const LOOK_EVERY: Milliseconds = 100;

export class SignalHook implements Duty {
  readonly name = "signal-hook";
  readonly #options: SignalHookOptions;
  readonly #deps: HookDeps;
  readonly #failures: Readonly<Record<HookEvent, Counter>>;

  constructor(options: SignalHookOptions, deps: HookDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#failures = failures(
      deps.metrics,
      "outrigger_signal_hook_failures_total",
      "Signals that reached nobody",
    );
  }

  /** @throws OutriggerError `no-process`, `ambiguous-process`, `signal-refused` */
  async begin(_term: Term, signal: AbortSignal): Promise<void> {
    const { timeLimit = TIME_LIMIT, acquired = "SIGUSR1" } = this.#options;
    const { clock } = this.#deps;
    const latest = clock.now() + timeLimit;
    try {
      for (;;) {
        signal.throwIfAborted();
        const found = await this.#find();
        if (found !== null && this.#send(found, acquired)) return;
        if (clock.now() >= latest) throw this.#notFound(timeLimit);
        await clock.sleep(Math.min(LOOK_EVERY, latest - clock.now()), signal);
      }
    } catch (error) {
      this.#failures.acquired.inc();
      throw error;
    }
  }

  async end(_term: Term, _why: EndReason, _hurry: AbortSignal): Promise<void> {
    try {
      const found = await this.#find();
      if (found === null || !this.#send(found, this.#options.ended ?? "SIGUSR2"))
        this.#deps.log.info({}, "the process to be told that leadership ended is not there any more");
    } catch (error) {
      this.#failures.ended.inc();
      this.#deps.log.error({ error }, "the process that should stop leading was not told");
    }
  }

  async #find(): Promise<ProcessEntry | null> {
    const { process: target } = this.#options;
    if ("name" in target) return findByName(target.name);
    let text: string;
    try {
      text = (await readText(target.pidFile)).trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new OutriggerError(
        "no-process",
        `the pid file ${target.pidFile} cannot be read: ${(error as Error).message}`,
        { cause: error },
      );
    }
    // Just being written.
    if (text === "") return null;
    if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) === process.pid)
      throw new OutriggerError(
        "no-process",
        `the pid file ${target.pidFile} has ${JSON.stringify(text.slice(0, 50))}, which is no pid of another process`,
      );
    const entry = readProcess(Number(text));
    return entry === null || hasEnded(entry) ? null : entry;
  }

  /** False: it has ended. */
  #send({ pid, startTime }: ProcessEntry, signal: NodeJS.Signals): boolean {
    if (readProcess(pid)?.startTime !== startTime) return false;
    try {
      process.kill(pid, signal);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ESRCH") return false;
      throw new OutriggerError(
        "signal-refused",
        `process ${pid} cannot be sent ${signal}: ${message}; both containers must run as the same user (runAsUser), or this one needs the capability KILL`,
        { cause: error },
      );
    }
    this.#deps.log.info({ pid, signal }, "the process was told by a signal");
    return true;
  }

  #notFound(waited: Milliseconds): OutriggerError {
    const { process: target } = this.#options;
    return new OutriggerError(
      "no-process",
      "name" in target
        ? `no process called ${JSON.stringify(target.name)} in ${formatDuration(waited)}: the pod needs shareProcessNamespace: true, and the name is that of /proc/PID/comm or of the program's file`
        : `no process of the pid file ${target.pidFile} in ${formatDuration(waited)}: both containers must see the file, and the pod needs shareProcessNamespace: true`,
    );
  }
}

/** @throws OutriggerError `ambiguous-process` */
export function findByName(name: string): ProcessEntry | null {
  const called = listProcesses().filter(
    (entry) => entry.pid !== process.pid && !hasEnded(entry) && isCalled(entry, name),
  );
  const first = called.filter(({ parent }) => !called.some(({ pid }) => pid === parent));
  if (first.length > 1)
    throw new OutriggerError(
      "ambiguous-process",
      `${first.length} processes are called ${JSON.stringify(name)} (${first.map(({ pid }) => pid).join(", ")}): name one by its pid file`,
    );
  return first[0] ?? null;
}
