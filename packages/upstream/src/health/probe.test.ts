import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { freePort } from "@outrigger/core/testing";
import { test, type TestContext } from "node:test";
import { createEndpoint, targetAt } from "../endpoint/endpoint.ts";
import { probeEndpoint, probeSpec } from "./probe.ts";

async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}

function check(port: number, health: string, statuses = ["200-399"], signal = new AbortController().signal) {
  const spec = probeSpec(health, statuses, null);
  assert.ok(spec);
  return probeEndpoint(createEndpoint(targetAt("127.0.0.1", port, 1, "catalog")), spec, signal);
}

test("tcp passes where something listens", async (t) => {
  assert.equal(await check(await listen(t, createServer()), "tcp"), null);
});

test("tcp and http fail with the reason where nothing listens", async () => {
  const port = await freePort();
  assert.match(String(await check(port, "tcp")), /connect failed: .*ECONNREFUSED/);
  assert.match(String(await check(port, "http:/ok")), /GET \/ok failed: .*ECONNREFUSED/);
});

test("http passes by its status, and asks for the path with the configured name as Host", async (t) => {
  const requests: IncomingMessage[] = [];
  const server = createHttpServer((request, response) => {
    requests.push(request);
    response.statusCode = Number(request.url?.slice(1, 4));
    response.end("body");
  });
  const port = await listen(t, server);
  assert.equal(await check(port, "http:/204?deep=1"), null);
  assert.equal(requests[0]?.method, "GET");
  assert.equal(requests[0]?.url, "/204?deep=1");
  assert.equal(requests[0]?.headers.host, `catalog:${port}`);
  assert.equal(await check(port, "http:/399"), null);
  assert.equal(await check(port, "http:/400"), "status 400");
  assert.equal(await check(port, "http:/503"), "status 503");
  assert.equal(await check(port, "http:/503", ["200", "500-503"]), null);
  assert.equal(await check(port, "http:/201", ["200", "500-503"]), "status 201");
});

test("a body without end does not hold the check", async (t) => {
  const port = await listen(
    t,
    createHttpServer((_, response) => void response.write("endless")),
  );
  assert.equal(await check(port, "http:/"), null);
});

test("http fails with the reason when what answers is not HTTP, or hangs up", async (t) => {
  const noise = await listen(
    t,
    createServer((socket) => void socket.end("220 mail ready\r\n")),
  );
  assert.match(String(await check(noise, "http:/")), /GET \/ failed: Parse Error/);
  const rude = await listen(
    t,
    createServer((socket) => void socket.destroy()),
  );
  assert.match(String(await check(rude, "http:/")), /GET \/ failed: /);
});

test("an aborted check ends, whatever it waits for", async (t) => {
  const port = await listen(t, createServer());
  const abort = new AbortController();
  const result = check(port, "http:/", ["200"], abort.signal);
  abort.abort();
  assert.match(String(await result), /aborted/);
});

test("with no file descriptor left nothing is known of the endpoint, by tcp as by http", () => {
  const probe = import.meta.url.replace("probe.test", "probe");
  const script = `
    import { openSync } from "node:fs";
    import { INCONCLUSIVE, probeEndpoint, probeSpec } from ${JSON.stringify(probe)};
    const endpoint = { host: "127.0.0.1", port: 9, name: "127.0.0.1" };
    // What a first connect loads must be there before.
    const check = (health) => probeEndpoint(endpoint, probeSpec(health, ["200"], null), new AbortController().signal);
    for (const health of ["tcp", "http:/"]) await check(health);
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    for (const health of ["tcp", "http:/"]) console.log(health, (await check(health)) === INCONCLUSIVE);
  `;
  const node = [process.execPath, "--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...node], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(stdout, "tcp true\nhttp:/ true\n", stderr);
});
