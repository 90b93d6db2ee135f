/** A connection that a signal ends. */
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { OutriggerError } from "../errors.ts";

/**
 * net.connect until `signal` aborts: the socket is destroyed then, with the signal's reason as its error. Net's own `signal`
 * leaves a listener there for each socket that ever was, as long as the signal lives.
 */
export function connectWhile(signal: AbortSignal, options: TcpNetConnectOpts): Socket {
  const socket = connect(options);
  const onAbort = (): void => void socket.destroy(OutriggerError.from(signal.reason, "aborted"));
  if (signal.aborted) onAbort();
  else {
    signal.addEventListener("abort", onAbort);
    socket.once("close", () => signal.removeEventListener("abort", onAbort));
  }
  return socket;
}
