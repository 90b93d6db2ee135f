import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
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

test("nor is one that is stopped, and whose queue is full", async () => {
  // Who listens, and never comes to accept.
  const stuck = `const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const workload = spawn(process.execPath, ["-e", stuck], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(workload.stdout, "data")) as [Buffer];
  const port = Number(said.toString());
  const queue = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  const limit = new AbortController();
  const gone = workloadGone(port, systemClock, limit.signal);
  setImmediate(() => limit.abort());
  assert.equal(await gone, false);
  for (const socket of queue) socket.destroy();
  workload.kill("SIGKILL");
  await once(workload, "exit");
});
