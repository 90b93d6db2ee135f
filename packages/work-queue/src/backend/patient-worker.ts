/**
 * A worker of BullMQ's that pauses after each error of its backend. By itself it does so after those few that it takes for a lost
 * connection, or where it found no job before: refused by any other word it asks again at once, for as long as that lasts.
 */
import type { Milliseconds } from "@outrigger/core";
import { setMaxListeners, type EventEmitter } from "node:events";

/** After an error of the backend; of errors with the same words one is told in so long. */
export const RETRY_DELAY: Milliseconds = 1_000;
/** Its own question, of whose errors it says no more than that there was none. */
export const NEXT_JOB = "_getNextJob";

export function withPatience<Worker extends EventEmitter & { isPaused(): boolean }>(worker: Worker): Worker {
  const inner = worker as unknown as Inner;
  const closing = new AbortController();
  // Each job whose end cannot be noted waits on it.
  setMaxListeners(0, closing.signal);
  worker.once("closing", () => closing.abort());
  const [ask, delay] = [inner[NEXT_JOB].bind(worker), inner.delay.bind(worker)];
  // What is thrown here, BullMQ's loop would not hear of: it would wait for ever for a job's end.
  inner.delay = async (span = RETRY_DELAY, ends) => {
    const over = ends ?? closing;
    if (!over.signal.aborted) await delay(span, over);
  };
  inner[NEXT_JOB] = async (token, options) => {
    try {
      return await ask(token, options);
    } catch (thrown) {
      if (!worker.isPaused() && !closing.signal.aborted) inner.emit("error", thrown);
      await inner.delay();
      // As where there was none.
      return undefined;
    }
  };
  const emit = inner.emit.bind(worker);
  const told = new Set<string>();
  let since = -Infinity;
  inner.emit = (event, ...said) => {
    if (event !== "error") return emit(event, ...said);
    if (performance.now() - since >= RETRY_DELAY) {
      told.clear();
      since = performance.now();
    }
    const { message } = said[0] as Error;
    return told.has(message) || (told.add(message), emit(event, ...said));
  };
  return worker;
}

/** Of BullMQ's worker. */
interface Inner {
  emit(event: string, ...said: unknown[]): boolean;
  [NEXT_JOB](token: string, options: object): Promise<unknown>;
  /** Without a span: after an error while it waited for a job. null: there was no rate to wait for yet. */
  delay(span?: Milliseconds, ends?: AbortController | null): Promise<void>;
}
