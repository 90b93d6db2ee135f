/** On a workload that comes and goes, with a virtual clock. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { test } from "node:test";
import { eventually, freePort, VirtualClock } from "@outrigger/core/testing";
import { lookAt, Readiness } from "./readiness.ts";
import { workloadAddress } from "./replay.ts";

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve()));

function watched(port: number, path: string | null) {
  const clock = new VirtualClock();
  const told: [boolean, string][] = [];
  const readiness = new Readiness(path, {
    look: (path, signal) => lookAt(workloadAddress(`http://127.0.0.1:${port}`), path, signal),
    clock,
    onChange: (isReady, why) => told.push([isReady, why]),
  });
  /** Time goes on until it has been told that often. */
  const until = (count: number): Promise<void> =>
    eventually(`${count} times told`, () => {
      clock.advance(100);
      return told.length >= count;
    });
  return { clock, told, readiness, until };
}

test("a workload is ready when it accepts connections, and not from when it was found that it does not", async () => {
  const port = await freePort();
  const { clock, told, readiness, until } = watched(port, null);
  await readiness.start();
  assert.match(told[0]?.[1] ?? "", /ECONNREFUSED/);
  clock.advance(3_600_000);
  const workload = createServer((socket) => void socket.on("error", () => {}));
  await listen(workload, port);
  await until(2);
  workload.close();
  // Nobody asks while it is ready: who gives it jobs finds out.
  clock.advance(60_000);
  readiness.lost("refused");
  readiness.lost("refused");
  await listen(workload, port);
  await until(4);
  readiness.stop();
  readiness.lost("refused");
  assert.deepEqual(told.slice(1), [
    [true, ""],
    [false, "refused"],
    [true, ""],
  ]);
  workload.close();
});

test("a look leaves nothing with what ends all of them", async () => {
  const workload = createHttpServer((_request, response) => response.end());
  await listen(workload, 0);
  const { port } = workload.address() as AddressInfo;
  const stop = new AbortController();
  for (const asked of [port, await freePort()])
    for (const path of [null, "/ready"])
      await lookAt(workloadAddress(`http://127.0.0.1:${asked}`), path, stop.signal);
  await eventually("no socket of it is open", () => getEventListeners(stop.signal, "abort").length === 0);
  workload.close();
});

test("an answer that is none ends the look, too", async () => {
  for (const bytes of [
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "garbage\r\n",
  ]) {
    const workload = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(bytes));
    });
    await listen(workload, 0);
    const { told, readiness } = watched((workload.address() as AddressInfo).port, "/ready");
    await readiness.start();
    readiness.stop();
    assert.equal(told[0]?.[0], false);
    workload.close();
  }
});

test("where a path says it, that is asked each second", async () => {
  let status = 503;
  const seen: string[] = [];
  const workload = createHttpServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (status > 0) response.writeHead(status).end();
  });
  await listen(workload, 0);
  const { clock, told, readiness, until } = watched((workload.address() as AddressInfo).port, "/ready?x");
  await readiness.start();
  status = 302;
  await until(2);
  status = 500;
  await until(3);
  status = 204;
  await until(4);
  readiness.stop();
  clock.advance(10_000);
  assert.deepEqual(told, [
    [false, "GET /ready?x is answered 503"],
    [true, ""],
    [false, "GET /ready?x is answered 500"],
    [true, ""],
  ]);
  assert.deepEqual([...new Set(seen)], ["GET /ready?x"]);
  workload.closeAllConnections();
  workload.close();
});

test("another path is asked from now on, whatever a look under way finds", async () => {
  const answers: (() => void)[] = [];
  const workload = createHttpServer(({ url }, response) => {
    answers.push(() => response.writeHead(url === "/well" ? 200 : 500).end());
    if (url !== "/slow") answers.pop()?.();
  });
  await listen(workload, 0);
  const { clock, told, readiness, until } = watched((workload.address() as AddressInfo).port, "/ill");
  await readiness.start();
  readiness.reload("/well");
  await until(2);
  readiness.reload("/slow");
  await eventually("it is asked", () => {
    clock.advance(100);
    return answers.length > 0;
  });
  readiness.reload("/ill");
  answers.pop()?.();
  await until(3);
  readiness.reload(null);
  await until(4);
  readiness.stop();
  readiness.reload("/ill");
  assert.deepEqual(
    told.map(([isReady, why]) => (isReady ? "ready" : why)),
    ["GET /ill is answered 500", "ready", "GET /ill is answered 500", "ready"],
  );
  workload.closeAllConnections();
  workload.close();
});

test("a path that is changed while it is looked at is looked at when that look is over, by one and the same", async () => {
  const clock = new VirtualClock();
  const asked: (string | null)[] = [];
  const answers: ((why: string | null) => void)[] = [];
  const readiness = new Readiness("/0", {
    look: (path) => (asked.push(path), new Promise((resolve) => answers.push(resolve))),
    clock,
    onChange: () => {},
  });
  const started = readiness.start();
  answers[0]?.(null);
  await started;
  clock.advance(1_000);
  for (const path of ["/1", "/2", "/3"]) readiness.reload(path);
  await clock.advanceAsync(10_000);
  assert.deepEqual(asked, ["/0", "/0"]);
  answers[1]?.(null);
  await clock.advanceAsync(10_000);
  assert.deepEqual(asked, ["/0", "/0", "/3"]);
  readiness.stop();
});
