/** Probes as the kubelet runs them: an action each period, and thresholds that turn results into a verdict. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
import { ProcessGroup, type Command, type GroupWatcher } from "./process-group.ts";

/** null: success; otherwise what went wrong. */
export type ProbeResult = string | null;

export type Action =
  | {
      readonly kind: "http";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly secure: boolean;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "exec"; readonly command: Command };

export interface ProbePlan {
  readonly action: Action;
  readonly initialDelay: Milliseconds;
  readonly period: Milliseconds;
  readonly timeout: Milliseconds;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Overrides the pod's grace when this probe ends the container. */
  readonly grace: Milliseconds | undefined;
}

/** Node's timers overflow beyond; a hook's limit is the pod's grace, which may be longer. */
const LONGEST_TIMEOUT: Milliseconds = 2 ** 31 - 1;

/** Runs one action once. Never rejects; ends within the timeout, or with the signal. */
export async function act(
  action: Action,
  timeout: Milliseconds,
  signal: AbortSignal,
  watcher?: GroupWatcher,
): Promise<ProbeResult> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.min(timeout, LONGEST_TIMEOUT))]);
  try {
    switch (action.kind) {
      case "http":
        return await httpGet(action, limit);
      case "tcp":
        return await tcpConnect(action, limit);
      case "exec":
        return await exec(action.command, limit, watcher);
    }
  } catch (error) {
    // What Node refuses to send is a failure of the probe, as an answer that does not come is.
    return `cannot be done: ${(error as Error).message}`;
  }
}

const late = (signal: AbortSignal): string =>
  (signal.reason as Error | undefined)?.name === "TimeoutError" ? "timed out" : "cancelled";

function httpGet(action: Extract<Action, { kind: "http" }>, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const send = action.secure ? httpsRequest : httpRequest;
    const headers: Record<string, string> = { "user-agent": "kube-probe/outrigger", accept: "*/*" };
    for (const [name, value] of action.headers) headers[name.toLowerCase()] = value;
    const options = {
      host: action.host,
      port: action.port,
      path: action.path,
      headers,
      agent: false as const,
      signal,
      rejectUnauthorized: false,
    };
    const request = send(options, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      request.destroy();
      resolve(status >= 200 && status < 400 ? null : `HTTP status ${status}`);
    });
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve(signal.aborted ? late(signal) : (error.code ?? error.message)),
    );
    request.end();
  });
}

function tcpConnect(action: Extract<Action, { kind: "tcp" }>, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect(action.port, action.host);
    const finish = (result: ProbeResult): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => finish(late(signal));
    socket.once("connect", () => finish(null));
    socket.once("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
}

async function exec(command: Command, signal: AbortSignal, watcher?: GroupWatcher): Promise<ProbeResult> {
  let output = "";
  const group = new ProcessGroup(
    command,
    (line) => {
      if (output === "") output = line.slice(0, 200);
    },
    watcher,
  );
  const kill = (): void => group.signal("SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  const ended = await group.ended;
  signal.removeEventListener("abort", kill);
  if (signal.aborted) return late(signal);
  if (ended.code === 0) return null;
  return (ended.reason ?? `exit code ${ended.code ?? ended.signal}`) + (output === "" ? "" : `: ${output}`);
}

export type Verdict = { readonly healthy: true } | { readonly healthy: false; readonly why: string };

/**
 * Repeats a probe until stopped, and tells when its thresholds are crossed: each time successThreshold results in
 * a row agree on healthy, or failureThreshold on unhealthy, and the verdict is a new one (or unhealthy again).
 */
export class Prober {
  readonly #plan: ProbePlan;
  readonly #clock: Clock;
  readonly #act: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly #onVerdict: (verdict: Verdict) => void;
  readonly #onFailure: ((why: string) => void) | undefined;
  readonly #stopped = new AbortController();
  #timer: Timer | null = null;
  #inARow = 0;
  #last: boolean | undefined;
  #verdict: boolean | undefined;

  constructor(
    plan: ProbePlan,
    clock: Clock,
    act: (signal: AbortSignal) => Promise<ProbeResult>,
    onVerdict: (verdict: Verdict) => void,
    onFailure?: (why: string) => void,
  ) {
    this.#plan = plan;
    this.#clock = clock;
    this.#act = act;
    this.#onVerdict = onVerdict;
    this.#onFailure = onFailure;
  }

  start(): void {
    this.#timer = this.#clock.timer(this.#plan.initialDelay, () => void this.#once());
  }

  stop(): void {
    this.#timer?.clear();
    this.#stopped.abort();
  }

  async #once(): Promise<void> {
    const began = this.#clock.now();
    const result = await this.#act(this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    this.#judge(result);
    if (this.#stopped.signal.aborted) return;
    const spent = this.#clock.now() - began;
    this.#timer = this.#clock.timer(Math.max(0, this.#plan.period - spent), () => void this.#once());
  }

  #judge(result: ProbeResult): void {
    const success = result === null;
    this.#inARow = success === this.#last ? this.#inARow + 1 : 1;
    this.#last = success;
    if (!success) this.#onFailure?.(result);
    if (this.#inARow < (success ? this.#plan.successThreshold : this.#plan.failureThreshold)) return;
    if (success && this.#verdict === true) return;
    if (!success && this.#verdict === false && this.#inARow > this.#plan.failureThreshold) return;
    this.#verdict = success;
    this.#onVerdict(success ? { healthy: true } : { healthy: false, why: result });
  }
}
