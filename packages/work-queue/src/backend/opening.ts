/** What is opened on a backend, given up where that is lost meanwhile, takes too long, or is not wanted any more. */
import { formatDuration, OutriggerError, type Clock, type Milliseconds } from "@outrigger/core";
import type { Backend } from "./backend.ts";

/**
 * @param limit null: none
 * @throws OutriggerError `backend-unreachable`, `redis-unreachable`: it was given up, and the backend is cut; or what `open` does
 */
export async function opening<Opened>(
  backend: Backend,
  clock: Clock,
  limit: Milliseconds | null,
  signal: AbortSignal,
  open: () => Promise<Opened>,
): Promise<Opened> {
  let why: Error | null = null;
  let isOver = false;
  const giveUp = (error: Error): void => {
    if (isOver || why !== null) return;
    why = error;
    // Whatever is awaited ends by that.
    backend.cut();
  };
  const unwanted = (): void =>
    giveUp(new OutriggerError("backend-unreachable", "it was given up before it was opened"));
  void backend.lost?.then(giveUp);
  const tooLong = (): void =>
    giveUp(
      new OutriggerError("backend-unreachable", `it was not opened within ${formatDuration(limit ?? 0)}`),
    );
  const timer = limit === null ? null : clock.timer(limit, tooLong);
  signal.addEventListener("abort", unwanted);
  if (signal.aborted) unwanted();
  try {
    const opened = await open();
    // BullMQ takes what was ended by us to be ready.
    if (why === null) return opened;
  } catch (thrown) {
    throw why ?? thrown;
  } finally {
    isOver = true;
    timer?.clear();
    signal.removeEventListener("abort", unwanted);
  }
  throw why as Error;
}
