import { OutriggerError } from "@outrigger/core";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { openPostgres } from "./postgres-backend.ts";

test("a Postgres that lets us in and says nothing more is not reached", async (t) => {
  // AuthenticationOk, ReadyForQuery (PostgreSQL 15, 55.7): a login without a password.
  const login = Buffer.from([...[0x52, 0, 0, 0, 8, 0, 0, 0, 0], ...[0x5a, 0, 0, 0, 5, 0x49]]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(login));
  });
  server.listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await assert.rejects(
    openPostgres(`postgres://u@127.0.0.1:${port}/d`, {}, 1_000),
    (thrown) => thrown instanceof OutriggerError && thrown.code === "postgres-unreachable",
  );
});
