/** The one workload behind a gate, asked by a connection that is closed at once. */
import { connect } from "node:net";
import { connectWhile, type HostPort, type Milliseconds } from "@outrigger/core";

/** A workload whose backlog is full answers nothing at all. */
const PATIENCE: Milliseconds = 1_000;

/** refuses: nobody listens there. unclear: no answer in time, or this process has no socket to ask with. */
export type WorkloadAnswer = "accepts" | "refuses" | "unclear";

export function askWorkload({ host, port }: HostPort, signal?: AbortSignal): Promise<WorkloadAnswer> {
  return new Promise((resolve) => {
    const options = { host: host ?? "localhost", port, timeout: PATIENCE };
    const socket = signal ? connectWhile(signal, options) : connect(options);
    const told = (answer: WorkloadAnswer): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.once("connect", () => told("accepts"));
    socket.once("timeout", () => told("unclear"));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      told(error.code === "ECONNREFUSED" ? "refuses" : "unclear"),
    );
  });
}
