/** Whether the workload has stopped, by the one thing that can be seen from beside it: its port refuses connections. */
import { connectWhile, OutriggerError, type Clock, type Milliseconds } from "@outrigger/core";

const LOOK_EVERY: Milliseconds = 100;

/** Resolves with true once localhost's port refuses a connection; with false when `signal` aborts first. */
export async function workloadGone(
  port: number,
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    if (await refuses(port, signal)) return true;
    await clock.sleep(LOOK_EVERY, signal).catch(() => {});
  }
  return false;
}

/** False, too, when `signal` aborts: who is stopped, and has a full queue, does neither accept nor refuse. */
function refuses(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectWhile(signal, { host: "localhost", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    // Of two addresses that both refuse, node makes one error of its own, with the same code.
    socket.once("error", (error) => resolve(OutriggerError.from(error).code === "ECONNREFUSED"));
  });
}
