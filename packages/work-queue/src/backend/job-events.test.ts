import {
  eventually,
  noPostgresServer,
  PostgresServer,
  RedisServer,
  noRedisServer,
} from "@outrigger/core/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { backendOption } from "../config/backend-option.ts";
import { openBackend } from "./open-backend.ts";

for (const [name, start, skip] of [
  ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
  ["Postgres", () => PostgresServer.start(), noPostgresServer],
] as const)
  test(
    `${name}: events that are asked for while it is away are heard when it is back`,
    { skip },
    async (t) => {
      const server = await start();
      t.after(() => server.end());
      const backend = await openBackend({ backend: backendOption.parse(server.url), storeTimeout: 5_000 });
      t.after(() => backend.close());
      const queue = backend.openQueue("q");
      queue.on("error", () => {});
      await queue.waitUntilReady();
      await server.crash();
      const events = backend.openEvents("q");
      const errors: Error[] = [];
      events.on("error", (error: Error) => errors.push(error));
      let heard = 0;
      events.on("waiting", () => heard++);
      await eventually("it hears that it is away", () => errors.length > 0);
      await server.startAgain();
      // What came before it reads is not heard.
      for (const end = Date.now() + 60_000; heard === 0; await pause(50)) {
        assert.ok(Date.now() < end, "nothing was heard");
        await queue.add("http", { method: "GET", target: "/", fields: [], body: "" }).catch(() => {});
      }
      errors.length = 0;
      const before = heard;
      await queue.add("http", { method: "GET", target: "/", fields: [], body: "" });
      await eventually("it hears of the next", () => heard > before);
      assert.deepEqual(errors, []);
    },
  );
