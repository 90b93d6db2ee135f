import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { eventually, freePort } from "../testing/index.ts";
import { connectWhile } from "./connect-while.ts";

const listeners = ({ signal }: AbortController): number => getEventListeners(signal, "abort").length;

test("a signal has no listener of a socket that has closed, however that came", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const stop = new AbortController();
  const accepted = connectWhile(stop.signal, { host: "127.0.0.1", port });
  await once(accepted, "connect");
  assert.equal(listeners(stop), 1);
  accepted.destroy();
  await once(accepted, "close");
  const refused = connectWhile(stop.signal, { host: "127.0.0.1", port: await freePort() });
  await assert.rejects(once(refused, "connect"), { code: "ECONNREFUSED" });
  await eventually("it has closed, too", () => listeners(stop) === 0);
  server.close();
});

test("a signal ends a socket with its reason, also one that aborted before", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const stop = new AbortController();
  const open = connectWhile(stop.signal, { host: "127.0.0.1", port });
  await once(open, "connect");
  const ended = assert.rejects(once(open, "close"), { message: "enough" });
  stop.abort(new Error("enough"));
  await ended;
  const late = connectWhile(stop.signal, { host: "127.0.0.1", port });
  await assert.rejects(once(late, "connect"), { message: "enough" });
  await eventually("both have closed", () => listeners(stop) === 0);
  server.close();
});
