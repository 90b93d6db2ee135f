/** A client of a test API server; its pauses take a turn of the event loop, no time. */
import { systemClock, type Clock, type Milliseconds } from "@outrigger/core";
import { KubernetesClient } from "@outrigger/core/kubernetes";
import type { TestApiServer } from "@outrigger/core/testing";

/** The system's clock, on which nobody sleeps: for what only waits before it tries again. */
export const hastyClock: Clock = {
  ...systemClock,
  sleep: async (_span, signal) => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  },
};

/** @param token what the server knows the client by; default none */
export function clientOf(
  server: TestApiServer,
  options: { readonly token?: string; readonly timeout?: Milliseconds } = {},
): KubernetesClient {
  const { token = null, timeout = 10_000 } = options;
  return new KubernetesClient({
    access: {
      server: new URL(server.url),
      namespace: "default",
      serverName: null,
      insecure: false,
      source: "the test",
      credentials: async () => ({ token, ca: null, cert: null, key: null }),
      refused: () => {},
    },
    clock: hastyClock,
    timeout,
  });
}
