/** A stop ends, whatever its backend does. */
import { test } from "node:test";
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { ask, openedQueue } from "./testing/opened-queue.js";
const SERVERS = [
    ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
    ["Postgres", () => PostgresServer.start(), noPostgresServer],
];
for (const [kind, start, skip] of SERVERS)
    for (const signal of ["SIGKILL", "SIGSTOP"])
        test(`it stops while its ${kind} is away (${signal}), also before it knows`, { skip }, async () => {
            for (const knows of [false, true]) {
                const server = await start();
                const away = await openedQueue({
                    backend: server.url,
                    workload: "http://127.0.0.1:1",
                    storeTimeout: "100ms",
                });
                if (signal === "SIGKILL")
                    await server.crash();
                else
                    server.kill("SIGSTOP");
                if (knows)
                    for (let status = 0; status !== 503;)
                        status = (await ask(away, "/jobs/none")).status;
                await away.stop();
                await server.end();
            }
        });
//# sourceMappingURL=stop.test.js.map