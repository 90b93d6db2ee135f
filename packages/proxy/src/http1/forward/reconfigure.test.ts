/** Settings that are swapped while requests pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { answering, Backend, eventually, OK, startProxy } from "../testing/bench-of-parts.ts";
import { HTTP1_DEFAULTS } from "./settings.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";

test("settings that were replaced leave no timers behind, however often", async () => {
  const clock = new VirtualClock();
  await using proxy = await startProxy({ backends: [await answering(OK)], clock });
  const client = await proxy.client();
  const ask = async (): Promise<void> => {
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
  };
  await ask();
  const before = clock.pendingTimers;
  for (let number = 0; number < 100; number++) {
    proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, retryBodyBytes: number }, null);
    await ask();
  }
  // The client may still wait under the settings of its last request.
  assert.ok(clock.pendingTimers <= before + 4, `${before} timers before, ${clock.pendingTimers} after`);
});

test("a request that began under settings that were replaced still has their time limits", async () => {
  const clock = new VirtualClock();
  const silent = await Backend.start(async (connection) => {
    silent.arrivals.push((await connection.message()).head);
  });
  await using proxy = await startProxy({ backends: [silent], clock, http: { timeout: 500 } });
  const client = await proxy.client();
  client.write(GET);
  await eventually(() => silent.arrivals.length === 1);
  proxy.listener.reconfigure(HTTP1_DEFAULTS, null);
  clock.advance(600);
  assert.match((await client.message()).head, /^HTTP\/1.1 504 /);
});
