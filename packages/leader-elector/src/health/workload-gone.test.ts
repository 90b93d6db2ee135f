import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "@outrigger/core";
import { workloadGone } from "./workload-gone.ts";

test("a workload is gone when its port refuses, and not before", async () => {
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  let asked = 0;
  let seen: () => void = () => {};
  const twice = new Promise<void>((resolve) => (seen = resolve));
  server.on("connection", () => ++asked === 2 && seen());
  const gone = workloadGone(port, systemClock, new AbortController().signal);
  await twice;
  server.close();
  assert.equal(await gone, true);
});

test("one that goes on accepting is not gone when the time is up", async () => {
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const limit = new AbortController();
  server.once("connection", () => limit.abort());
  assert.equal(await workloadGone(port, systemClock, limit.signal), false);
  assert.equal(await workloadGone(port, systemClock, AbortSignal.abort()), false);
  server.close();
});
