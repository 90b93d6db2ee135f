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

test("requests that begin after a reload are rewritten as it says, also on connections that were open before", async () => {
  const backend = await answering(OK);
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  await client.message();
  proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, forwarded: false, host: "api.example" }, null);
  client.write("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  await client.message();
  assert.match(backend.arrivals[0] ?? "", /Host: shop\r\nx-forwarded-for: 127\.0\.0\.1/);
  assert.equal(backend.arrivals[1], "GET / HTTP/1.1\r\nhost: api.example\r\n\r\n");
});

test("limits on heads hold for requests and answers that come after a reload", async () => {
  const backend = await answering(`HTTP/1.1 200 OK\r\nX: ${"y".repeat(3000)}\r\nContent-Length: 2\r\n\r\nok`);
  await using proxy = await startProxy({ backends: [backend], upstream: { retries: 0 } });
  const client = await proxy.client();
  client.write("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  assert.equal((await client.message()).body, "ok");
  proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, maxHeadBytes: 2048 }, null);
  client.write("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  assert.match((await client.message()).head, /^HTTP\/1.1 502 /);
  client.write(`GET / HTTP/1.1\r\nHost: shop\r\nX: ${"y".repeat(3000)}\r\n\r\n`);
  assert.match((await client.message()).head, /^HTTP\/1.1 431 /);
});
