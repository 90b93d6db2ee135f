/** A proxy before one endpoint that takes one request at a time. */
import { VirtualClock } from "@outrigger/core/testing";
import { eventually, holding, startProxy } from "./bench-of-parts.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: shop\r\n\r\n";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

/** One request is with the endpoint, which takes one at a time, until it is released; another waits in the line. */
export async function lined(http: object) {
  const clock = new VirtualClock();
  const { backend, release } = await holding();
  const proxy = await startProxy({ backends: [backend], clock, upstream: { maxConnections: 1 }, http });
  const [first, second] = [await proxy.client(), await proxy.client()];
  first.write(HELD);
  await eventually(() => backend.arrivals.length === 1);
  second.write(GET);
  await eventually(() => proxy.listener.pool.waiting === 1);
  return { clock, backend, release, proxy, first, second };
}
