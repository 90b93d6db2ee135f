import { OutriggerError } from "@outrigger/core";
import { eventually, noPostgresServer, PostgresServer } from "@outrigger/core/testing";
import { MIGRATION_ADVISORY_LOCK_KEY } from "bullmq";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { openPostgres } from "./postgres-backend.ts";
import { SCHEMA } from "./schema.ts";

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

test(
  "whoever has nothing to migrate does not wait for the migrations' lock",
  { skip: noPostgresServer },
  async (t) => {
    const server = await PostgresServer.start();
    t.after(() => server.end());
    await (await openPostgres(server.url, {}, 1_000)).close();
    const peer = new pg.Client(server.url);
    await peer.connect();
    await peer.query("SELECT pg_advisory_lock($1, hashtext($2))", [MIGRATION_ADVISORY_LOCK_KEY, SCHEMA]);
    await (await openPostgres(server.url, {}, 1_000)).close();
    await peer.end();
  },
);

test("the good-bye of an opening is not waited for", { skip: noPostgresServer }, async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.end());
  const { hostname, port } = new URL(server.url);
  let farewells = 0;
  const open = new Set<Socket>();
  // It does not hang up, either.
  const silent = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(Number(port), hostname);
    far.on("data", (bytes) => near.write(bytes));
    near.on("data", (bytes) => {
      // Terminate (PostgreSQL 15, 55.7).
      if (bytes[0] === 0x58) farewells++;
      else far.write(bytes);
    });
    for (const socket of [near, far]) open.add(socket.on("error", () => {}));
  });
  silent.listen(0, "127.0.0.1");
  t.after(() => {
    silent.close();
    for (const socket of open) socket.destroy();
  });
  await once(silent, "listening");
  const url = new URL(server.url);
  url.port = String((silent.address() as AddressInfo).port);
  const backend = await openPostgres(url.href, {}, 1_000);
  await eventually("it was said", () => farewells === 1);
  await backend.close();
});

test("sets of events that were given up leave nothing at the pool", { skip: noPostgresServer }, async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.end());
  const { mock: connects } = t.mock.method(pg.Pool.prototype, "connect");
  const backend = await openPostgres(server.url, {}, 1_000);
  t.after(() => backend.close());
  const queue = backend.openQueue("q").on("error", () => {});
  await queue.waitUntilReady();
  const pool = connects.calls[0]?.this as pg.Pool;
  const before = pool.listenerCount("error");
  await server.crash();
  backend.openEvents("q");
  // One for each that begins.
  for (const begun = connects.callCount(); connects.callCount() < begun + 3;) await pause(20);
  assert.equal(pool.listenerCount("error"), before);
});
