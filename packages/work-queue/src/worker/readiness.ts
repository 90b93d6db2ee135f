/** Whether the workload can be given jobs: whether it accepts connections, or what a path of it says. */
import { get as httpGet } from "node:http";
import { connectWhile, type Clock, type Milliseconds, type Timer } from "@outrigger/core";
import type { WorkloadAddress } from "./replay.ts";

export interface ReadinessDeps {
  /** @returns what is wrong; null: nothing */
  look(path: string | null, signal: AbortSignal): Promise<string | null>;
  readonly clock: Clock;
  /** @param why where it is not: what is wrong */
  onChange(isReady: boolean, why: string): void;
}

const FIRST_LOOK: Milliseconds = 100;
const LOOK_EVERY: Milliseconds = 1_000;
const PATIENCE: Milliseconds = 2_000;

export class Readiness {
  readonly #deps: ReadinessDeps;
  #path: string | null;
  #isReady: boolean | null = null;
  #pause = FIRST_LOOK;
  #timer: Timer | null = null;
  #isLooking = false;
  readonly #stopped = new AbortController();

  /** @param path asked each second, and ready where it is answered 2xx or 3xx; null: ready where connections are accepted */
  constructor(path: string | null, deps: ReadinessDeps) {
    this.#path = path;
    this.#deps = deps;
  }

  get isReady(): boolean {
    return this.#isReady === true;
  }

  /** Resolves after the first look, of which is told as of any. */
  async start(): Promise<void> {
    await this.#look();
  }

  /** What it was holds until the next look, which is made now. */
  reload(path: string | null): void {
    if (path === this.#path) return;
    this.#path = path;
    if (this.#isReady !== null && !this.#stopped.signal.aborted) this.#lookAfter(0);
  }

  /** It accepted no connection. */
  lost(why: string): void {
    if (this.#isReady !== true || this.#stopped.signal.aborted) return;
    this.#become(false, why);
    this.#lookAfter(FIRST_LOOK);
  }

  stop(): void {
    this.#stopped.abort();
    this.#timer?.clear();
  }

  #become(isReady: boolean, why: string): void {
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    this.#pause = FIRST_LOOK;
    this.#deps.onChange(isReady, why);
  }

  #lookAfter(pause: Milliseconds): void {
    this.#timer?.clear();
    this.#timer = this.#deps.clock.timer(pause, () => void this.#look());
  }

  async #look(): Promise<void> {
    // Whoever looks looks again where the path is another by then.
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { signal } = this.#stopped;
    let path: string | null;
    let why: string | null;
    do {
      path = this.#path;
      why = await this.#deps.look(path, signal);
    } while (path !== this.#path && !signal.aborted);
    this.#isLooking = false;
    if (signal.aborted) return;
    this.#become(why === null, why ?? "");
    if (this.#isReady === true) {
      if (path !== null) this.#lookAfter(LOOK_EVERY);
      return;
    }
    this.#lookAfter(this.#pause);
    this.#pause = Math.min(2 * this.#pause, LOOK_EVERY);
  }
}

/** @param path null: whether it accepts connections @returns what is wrong; null: nothing */
export const lookAt = (
  workload: WorkloadAddress,
  path: string | null,
  signal: AbortSignal,
): Promise<string | null> => (path === null ? connected(workload, signal) : answered(workload, path, signal));

function connected(workload: WorkloadAddress, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connectWhile(signal, { ...workload, timeout: PATIENCE });
    const end = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once("connect", () => end(null));
    socket.once("timeout", () => end("it does not accept connections"));
    socket.on("error", (error) => end(said(error)));
  });
}

function answered(workload: WorkloadAddress, path: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const request = httpGet({ ...workload, path, agent: false, signal }, (answer) => {
      const { statusCode = 0 } = answer;
      answer.destroy();
      resolve(statusCode >= 200 && statusCode < 400 ? null : `GET ${path} is answered ${statusCode}`);
    });
    const limit = setTimeout(() => request.destroy(new Error(`GET ${path} is not answered`)), PATIENCE);
    request.on("error", (error) => resolve(said(error)));
    // A 101 is neither an answer nor an error.
    request.on("close", () => {
      clearTimeout(limit);
      resolve(`GET ${path} ended without an answer`);
    });
  });
}

/** Of a name with several addresses: what the first said. */
const said = (error: Error): string =>
  (error instanceof AggregateError ? (error.errors[0] as Error) : error).message;
