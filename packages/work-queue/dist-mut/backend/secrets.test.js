/** Passwords and certificates of a backend, on real servers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import pg from "pg";
import { Redis } from "ioredis";
import { noPostgresServer, noTlsRedis, PostgresServer, TlsRedis } from "@outrigger/core/testing";
import { ask, openedQueue, outcome, told } from "../testing/opened-queue.js";
import { Workload } from "../testing/workload.js";
import { openBackend } from "./open-backend.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-secrets-"));
const workload = await Workload.start();
after(async () => {
    await workload.end();
    rmSync(scratch, { recursive: true });
});
const passwordFile = join(scratch, "password");
test("a Redis with TLS and a password is used, also after the password was rotated", { skip: noTlsRedis }, async () => {
    const redis = await TlsRedis.start(["--appendonly", "yes", "--requirepass", "first"]);
    const { url, caFile } = redis;
    const backend = { kind: "redis", url };
    await assert.rejects(openBackend({ backend, caFile }), /redis-unreachable|NOAUTH/);
    await assert.rejects(openBackend({ backend, caFile, passwordFile: join(scratch, "none") }), {
        code: "unreadable-secret",
        message: /passwordFile .*none cannot be read/,
    });
    writeFileSync(passwordFile, "first\n");
    await assert.rejects(openBackend({ backend, passwordFile }), /self-signed/);
    const queue = await openedQueue({ backend: url, workload: workload.url, passwordFile, caFile });
    const done = async () => {
        const answer = await ask(queue, "/", { method: "POST", headers: { prefer: "wait=20" } });
        return `${answer.status} ${await answer.text()}`;
    };
    assert.equal(await done(), "200 ok");
    const admin = new Redis({ path: redis.server.socket, password: "first" });
    await admin.config("SET", "requirepass", "second");
    writeFileSync(passwordFile, "second\n");
    // All but the admin's own.
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    admin.disconnect();
    for (let told = ""; told !== "200 ok";)
        told = await done();
    await queue.stop();
    await redis.end();
});
test("a Postgres with a password is used, also after it was rotated", { skip: noPostgresServer }, async () => {
    const postgres = await PostgresServer.start();
    const admin = new pg.Client(postgres.url);
    await admin.connect();
    await admin.query("CREATE ROLE worker LOGIN PASSWORD 'first'");
    await admin.query("GRANT CREATE ON DATABASE postgres TO worker");
    await postgres.requirePasswordOf("worker");
    writeFileSync(passwordFile, "wrong\n");
    const url = postgres.url.replace("postgres@", "worker@");
    await assert.rejects(openBackend({ backend: { kind: "postgres", url }, passwordFile }), {
        code: "postgres-unreachable",
        message: /password authentication failed/,
    });
    writeFileSync(passwordFile, "first\n");
    const queue = await openedQueue({ backend: url, workload: workload.url, passwordFile });
    const { id } = await told(await ask(queue, "/", { method: "POST" }));
    assert.equal((await outcome(queue, id)).state, "done");
    await admin.query("ALTER ROLE worker PASSWORD 'second'");
    writeFileSync(passwordFile, "second\n");
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'");
    for (let status = 0; status !== 200;)
        ({ status } = await ask(queue, "/", { method: "POST", headers: { prefer: "wait=20" } }));
    await admin.end();
    await queue.stop();
    await postgres.end();
});
//# sourceMappingURL=secrets.test.js.map