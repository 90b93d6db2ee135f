import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { silentLogger, type Logger } from "../log/logger.ts";
import { createMetrics } from "../metrics/create-metrics.ts";
import { systemClock } from "../time/clock.ts";
import { CONTROL_HEADER, startControlServer, type ControlRoute } from "./control-server.ts";
import { debugRoutes } from "./debug-routes.ts";
import type { HealthCheck } from "./health.ts";
import { listen, type BoundServer, type ListenAddress } from "./listen.ts";
import type { DrainAnswer } from "../lifecycle/gate-drain.ts";
import { startProbeServer, type DrainDoor } from "./probe-server.ts";

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

function call(
  target: { port?: number; host?: string; socketPath?: string },
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", ...target, path, method: options.method ?? "GET", headers: options.headers ?? {} },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () =>
          resolve({
            status: incoming.statusCode,
            body: Buffer.concat(chunks).toString(),
            headers: incoming.headers,
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

const CONTROL = { [CONTROL_HEADER]: "1" };
const portOf = (server: BoundServer): { port: number } => ({ port: server.port as number });

async function probe(context: TestContext, checks: HealthCheck[] = []) {
  const metrics = createMetrics();
  const server = await startProbeServer({
    address: { kind: "all", port: 0 },
    metrics,
    log: silentLogger,
    checks: () => checks,
    pages: () => new Map([["/isLeader", () => ({ status: 409, body: "no\n" })]]),
  });
  context.after(() => server.close());
  return { metrics, at: portOf(server), server };
}

test("however many ask for a drain, the probes are answered, and who asks when some have left waits", async (context) => {
  let asked = 0;
  let end: (answer: DrainAnswer) => void = () => {};
  const drained = new Promise<DrainAnswer>((resolve) => (end = resolve));
  const server = await startProbeServer({
    address: { kind: "host", host: "127.0.0.1", port: 0 },
    metrics: createMetrics(),
    log: silentLogger,
    checks: () => [],
    drain: () => ({ token: "preStop", request: () => (asked++, drained) }),
  });
  context.after(() => server.close());
  const headers = { "x-outrigger-drain": "preStop" };
  const ask = () => call(portOf(server), "/drain", { headers });
  const asks = Array.from({ length: 31 }, ask);
  const leaver = connect({ ...portOf(server), host: "127.0.0.1" });
  leaver.write("GET /drain HTTP/1.1\r\nHost: x\r\nx-outrigger-drain: preStop\r\n\r\n");
  while (asked < 32) await new Promise((resolve) => setImmediate(resolve));
  for (let more = 0; more < 40; more++) {
    const refused = await ask();
    assert.deepEqual([refused.status, refused.body], [503, "32 ask already: one is enough\n"]);
  }
  assert.equal((await call(portOf(server), "/livez")).status, 200);
  leaver.destroy();
  const askUntilHeard = async (): ReturnType<typeof ask> => {
    const answer = await ask();
    return answer.status === 503 ? askUntilHeard() : answer;
  };
  const last = askUntilHeard();
  while (asked < 33) await new Promise((resolve) => setImmediate(resolve));
  end({ drained: true, detail: "drained" });
  for (const { status } of await Promise.all([...asks, last])) assert.equal(status, 200);
});

test("/drain is there only on a gate, asks for its token, and is answered when the drain is over", async (context) => {
  let asked = 0;
  let door: DrainDoor | null = null;
  let end: (answer: DrainAnswer) => void = () => {};
  const server = await startProbeServer({
    address: { kind: "host", host: "127.0.0.1", port: 0 },
    metrics: createMetrics(),
    log: silentLogger,
    checks: () => [],
    drain: () => door,
  });
  context.after(() => server.close());
  const drain = (options: Parameters<typeof call>[2] = {}) => call(portOf(server), "/drain", options);
  const header = { "x-outrigger-drain": "preStop" };
  const without = await drain({ headers: header });
  assert.equal(without.status, 404);
  assert.doesNotMatch(without.body, /drain/);

  door = {
    token: "preStop",
    request: () => (asked++, new Promise((resolve) => (end = resolve))),
  };
  assert.match((await call(portOf(server), "/x")).body, /\n\/drain\n$/);
  for (const [headers, body] of [
    [{}, "the header x-outrigger-drain must hold the drain token (--drain-token): there is none\n"],
    [
      { "x-outrigger-drain": "prestop" },
      "the header x-outrigger-drain must hold the drain token (--drain-token): it is another\n",
    ],
    [
      { "x-outrigger-drain": "" },
      "the header x-outrigger-drain must hold the drain token (--drain-token): it is another\n",
    ],
  ] as const) {
    const refused = await drain({ headers });
    assert.deepEqual([refused.status, refused.body], [403, body]);
  }
  for (const method of ["POST", "HEAD", "DELETE"])
    assert.equal((await drain({ method, headers: header })).status, 405, method);
  assert.equal(asked, 0);

  for (const [drained, status] of [
    [true, 200],
    [false, 503],
  ] as const) {
    const before: number = asked;
    const answer: Promise<Answer> = drain({ headers: header });
    while (asked === before) await new Promise((resolve) => setImmediate(resolve));
    end({ drained, detail: "as it was" });
    const { status: got, body } = await answer;
    assert.deepEqual([got, body], [status, "as it was\n"]);
  }
});

async function control(
  context: TestContext,
  routes: ControlRoute[],
  address: ListenAddress = { kind: "loopback", port: 0 },
) {
  const server = await startControlServer({ address, log: silentLogger, routes: () => routes });
  context.after(() => server.close());
  return { at: portOf(server), server };
}

test("a probe is 200 while all its checks are ok, 503 with the reason when one is not; others do not matter", async (context) => {
  const state = { ok: true };
  const checks: HealthCheck[] = [
    { name: "lifecycle", kind: "ready", check: () => ({ ok: true, detail: "ready" }) },
    { name: "listener", kind: "ready", check: () => ({ ok: state.ok, detail: "port 8001" }) },
    { name: "started", kind: "startup", check: () => ({ ok: false }) },
  ];
  const { at } = await probe(context, checks);
  assert.deepEqual(await call(at, "/livez").then(({ status, body }) => [status, body]), [200, "ok\n"]);
  assert.equal((await call(at, "/readyz")).body, "ok\n");
  assert.equal(
    (await call(at, "/readyz?verbose")).body,
    "[+] lifecycle: ready\n[+] listener: port 8001\nok\n",
  );
  state.ok = false;
  const failed = await call(at, "/readyz");
  assert.deepEqual([failed.status, failed.body], [503, "[-] listener: port 8001\nfailed: listener\n"]);
  assert.equal(
    (await call(at, "/readyz?verbose")).body,
    "[+] lifecycle: ready\n[-] listener: port 8001\nfailed: listener\n",
  );
  assert.equal((await call(at, "/startupz")).status, 503);
  assert.equal((await call(at, "/livez")).status, 200);
});

test("a check that throws is a failed check, not a broken server", async (context) => {
  const { at } = await probe(context, [
    {
      name: "odd",
      kind: "live",
      check: () => {
        throw new Error("oops");
      },
    },
  ]);
  const { status, body } = await call(at, "/livez");
  assert.deepEqual([status, body], [503, "[-] odd: the check itself failed: Error: oops\nfailed: odd\n"]);
});

test("metrics come in the format that Accept prefers", async (context) => {
  const { metrics, at } = await probe(context);
  metrics.counter("x_total", "x").with({}).inc();
  const text = await call(at, "/metrics");
  assert.equal(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.match(text.body, /^x_total 1$/m);
  const open = await call(at, "/metrics", { headers: { accept: "application/openmetrics-text" } });
  assert.match(open.body, /# EOF\n$/);
});

test("the probe server takes GET and HEAD only, and names its paths to the lost", async (context) => {
  const { at } = await probe(context);
  const head = await call(at, "/livez", { method: "HEAD" });
  assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", "3"]);
  for (const method of ["POST", "PUT", "DELETE"]) {
    const { status, headers } = await call(at, "/livez", { method });
    assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
  }
  const lost = await call(at, "/nope");
  assert.deepEqual(
    [lost.status, lost.body],
    [404, "there is no such path here; there are:\n/livez\n/readyz\n/startupz\n/metrics\n/isLeader\n"],
  );
  assert.equal((await call(at, "/isLeader")).status, 409);
});

test("the probe server answers on every interface, IPv6 too where there is one", async (context) => {
  const { at, server } = await probe(context);
  assert.equal((await call({ ...at, host: "127.0.0.1" }, "/livez")).status, 200);
  if (server.addresses[0]?.startsWith("[::]"))
    assert.equal((await call({ ...at, host: "::1" }, "/livez")).status, 200);
});

const echo: ControlRoute = {
  method: "POST",
  path: "/echo",
  summary: "says it back",
  handle: ({ query, body }) => ({ json: { q: query.get("q"), body } }),
};
const tell: ControlRoute = {
  method: "GET",
  path: "/tell",
  summary: "tells",
  handle: () => ({ text: "told\n" }),
};

test("a page of the control server is a browser's without the header, where no other site sent it, and only to read", async (context) => {
  const page: ControlRoute = {
    ...{ method: "GET", path: "/page", summary: "", isPage: true },
    handle: ({ path }) => ({
      bytes: Buffer.from([...Buffer.from(path), 0xff]),
      contentType: "image/png",
      headers: { "content-security-policy": "default-src 'none'" },
    }),
  };
  const { at } = await control(context, [tell, page]);
  const site = (value: string) => ({ headers: { "sec-fetch-site": value } });
  for (const value of ["none", "same-origin"]) {
    const { status, headers } = await call(at, "/page/a?b", site(value));
    assert.equal(status, 200);
    assert.deepEqual(
      [headers["content-type"], headers["content-length"], headers["content-security-policy"]],
      ["image/png", "8", "default-src 'none'"],
    );
  }
  assert.equal((await call(at, "/page", { headers: CONTROL })).status, 200);
  for (const value of ["cross-site", "same-site", ""])
    assert.equal((await call(at, "/page", site(value))).status, 403, value);
  assert.equal((await call(at, "/page")).status, 403);
  assert.equal(
    (await call(at, "/page", { headers: { "sec-fetch-site": "none", host: "evil.example" } })).status,
    403,
  );
  assert.equal((await call(at, "/page", { method: "POST", ...site("same-origin") })).status, 405);
  for (const path of ["/tell", "/pages", "/none"])
    assert.equal((await call(at, path, site("none"))).status, 403, path);
});

test("the control server answers on both loopbacks only to who sends its header and names the loopback", async (context) => {
  const { at, server } = await control(context, [tell]);
  assert.equal((await call(at, "/tell", { headers: CONTROL })).body, "told\n");
  if (server.addresses.length === 2)
    assert.equal((await call({ ...at, host: "::1" }, "/tell", { headers: CONTROL })).status, 200);
  for (const host of ["localhost", "localhost:1", "127.0.0.1:14011", "[::1]:14011", "LOCALHOST"]) {
    assert.equal((await call(at, "/tell", { headers: { ...CONTROL, host } })).status, 200, host);
  }
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "10.0.0.1",
    "127.0.0.1@evil",
    "169.254.169.254",
  ]) {
    const { status, body } = await call(at, "/tell", { headers: { ...CONTROL, host } });
    assert.equal(status, 403, host);
    assert.equal(
      body,
      `the Host header must be localhost, 127.0.0.1 or [::1], found ${JSON.stringify(host)}\n`,
    );
  }
  for (const headers of [{}, { "x-outrigger-control": "true" }]) {
    const { status, body } = await call(at, "/tell", { headers });
    assert.equal(status, 403);
    assert.equal(
      body,
      'add the header "x-outrigger-control: 1": it keeps browsers and tricked workloads out\n',
    );
  }
});

test("what acts takes POST only, what tells GET only, and the lost are shown the way", async (context) => {
  const { at } = await control(context, [echo, tell]);
  const acted = await call(at, "/echo?q=1", { method: "POST", headers: CONTROL, body: "b" });
  assert.deepEqual(JSON.parse(acted.body), { q: "1", body: "b" });
  const wrong = await call(at, "/echo", { headers: CONTROL });
  assert.deepEqual([wrong.status, wrong.body], [405, "/echo takes POST, not GET\n"]);
  assert.equal((await call(at, "/tell", { method: "POST", headers: CONTROL })).status, 405);
  const lost = await call(at, "/", { headers: CONTROL });
  assert.equal(lost.status, 404);
  assert.match(lost.body, /^POST \/echo +says it back$/m);
});

test("a route that fails is a 500 without its reason, which the log has; a body too large is a 413", async (context) => {
  const errors: object[] = [];
  const server = await startControlServer({
    address: { kind: "loopback", port: 0 },
    log: { ...silentLogger, error: (fields) => errors.push(fields) },
    routes: () => [echo, { ...tell, handle: () => Promise.reject(new Error("inner secret")) }],
  });
  context.after(() => server.close());
  const { status, body } = await call(portOf(server), "/tell", { headers: CONTROL });
  assert.deepEqual([status, body], [500, "failed, see the log\n"]);
  assert.equal(errors.length, 1);
  const large = await call(portOf(server), "/echo", {
    method: "POST",
    headers: CONTROL,
    body: Buffer.alloc(2 ** 20 + 1),
  }).catch((error: NodeJS.ErrnoException) => error.code);
  assert.ok(
    large === "EPIPE" || large === "ECONNRESET" || (typeof large === "object" && large.status === 413),
    JSON.stringify(large),
  );
});

test("a stream is passed on, and the caller's leaving aborts the request's signal", async (context) => {
  let left: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => (left = resolve));
  const { at } = await control(context, [
    {
      method: "GET",
      path: "/stream",
      summary: "",
      handle: () => ({ stream: Readable.from(["a", "b"]), contentType: "text/plain" }),
    },
    {
      method: "GET",
      path: "/wait",
      summary: "",
      handle: ({ signal }) => {
        signal.addEventListener("abort", () => left?.());
        const stream = new PassThrough();
        stream.write("so far");
        return { stream, contentType: "text/plain" };
      },
    },
  ]);
  assert.equal((await call(at, "/stream", { headers: CONTROL })).body, "ab");
  const outgoing = httpRequest({ ...at, host: "127.0.0.1", path: "/wait", headers: CONTROL }, (incoming) => {
    incoming.on("error", () => {}).once("data", () => outgoing.destroy());
  });
  outgoing.on("error", () => {}).end();
  await gone;
});

test("a unix socket serves its user and group only, and is not replaced while it is in use", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-control-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "control.sock");
  const first = await control(context, [tell], { kind: "unix", path });
  assert.deepEqual(first.server.addresses, [`unix:${path}`]);
  assert.equal(
    (await call({ socketPath: path }, "/tell", { headers: { ...CONTROL, host: "localhost" } })).status,
    200,
  );
  await assert.rejects(
    listen("control", { kind: "unix", path }, () => {}),
    {
      code: "listen-failed",
      message: `the control server cannot listen: unix:${path} is taken by another process: choose another with --control`,
    },
  );
  // The workload's user is often another one of the same group; strangers are kept out.
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

test("a unix socket whose predecessor was killed is taken over", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-control-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "control.sock");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  assert.equal(spawnSync(process.execPath, ["-e", script]).signal, "SIGKILL");
  assert.ok(statSync(path).isSocket());
  await control(context, [tell], { kind: "unix", path });
  assert.equal(
    (await call({ socketPath: path }, "/tell", { headers: { ...CONTROL, host: "localhost" } })).body,
    "told\n",
  );
});

test("a path where no unix socket can be is said with the remedy, and what is there stays", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-control-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "file"), "not a socket");
  const long = join(folder, "x".repeat(120));
  for (const [path, why] of [
    [
      join(folder, "file"),
      "a file that is no socket is there, and is not replaced: remove it, or choose another path",
    ],
    [folder, "a folder that is no socket is there, and is not replaced: remove it, or choose another path"],
    [
      join(folder, "no", "x.sock"),
      `there is no folder ${join(folder, "no")}: create it, or mount an emptyDir there`,
    ],
    [
      long,
      `the path has ${Buffer.byteLength(long)} bytes, and a socket's has at most 107: choose a shorter one`,
    ],
  ] as const) {
    await assert.rejects(
      listen("control", { kind: "unix", path }, () => {}),
      { code: "listen-failed", message: `the control server cannot listen: unix:${path}: ${why}` },
    );
  }
  assert.equal(readFileSync(join(folder, "file"), "utf8"), "not a socket");
});

test("a port that is taken is said with the flag that chooses another", async (context) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  context.after(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  await assert.rejects(
    listen("control", { kind: "loopback", port }, () => {}),
    {
      code: "listen-failed",
      message: `the control server cannot listen: port ${port} is taken by another process: choose another with --control`,
    },
  );
  await assert.rejects(
    listen("probe", { kind: "host", host: "192.0.2.1", port: 0 }, () => {}),
    {
      message:
        "the probe server cannot listen: this machine has no address 192.0.2.1: choose another with --probe",
    },
  );
});

test("a CPU profile and a heap snapshot are taken on request, one profile at a time", async (context) => {
  const { at } = await control(
    context,
    debugRoutes({ ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) }),
  );
  const post = (path: string): Promise<Answer> => call(at, path, { method: "POST", headers: CONTROL });
  assert.equal(
    (await post("/debug/cpuprofile?seconds=900")).body,
    'seconds: found "900", accepted: a number from 1 to 120\n',
  );
  const [one, other] = await Promise.all([
    post("/debug/cpuprofile?seconds=4"),
    post("/debug/cpuprofile?seconds=4"),
  ]);
  assert.deepEqual(new Set([one.status, other.status]), new Set([200, 409]));
  const profile = JSON.parse(one.status === 200 ? one.body : other.body) as { nodes: unknown[] };
  assert.ok(profile.nodes.length > 0);
  const snapshot = await post("/debug/heapsnapshot");
  assert.match(snapshot.body.slice(0, 20), /^\{"snapshot":/);
});

test(
  "closing ends connections at once: those that idle, and those whose answer never comes",
  { timeout: 20_000 },
  async () => {
    let asked: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    const server = await listen("probe", { kind: "loopback", port: 0 }, (request, response) => {
      if (request.url === "/never") asked?.();
      else response.end("x");
    });
    await call(portOf(server), "/", { headers: { connection: "keep-alive" } });
    const never = call(portOf(server), "/never");
    const cut = assert.rejects(never, { code: "ECONNRESET" });
    await waiting;
    await server.close();
    await cut;
    await assert.rejects(call(portOf(server), "/"), /ECONNREFUSED|ECONNRESET|socket hang up/);
  },
);

test("two Host headers are refused by the control server", async (context) => {
  const { server } = await control(context, []);
  const socket = connect({ host: "127.0.0.1", port: server.port as number });
  socket.write(
    "GET /x HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nx-outrigger-control: 1\r\nConnection: close\r\n\r\n",
  );
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  assert.match(answer, /^HTTP\/1\.1 400 /);
});

test("an HTTP/1.1 request without a Host is a 400, and an expectation that nobody has is ignored", async (context) => {
  const { server } = await probe(context);
  for (const [rest, status] of [
    ["1.1\r\n", 400],
    ["1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n", 200],
    // HTTP/1.0 has none.
    ["1.0\r\n", 200],
  ] as const) {
    const socket = connect({ host: "127.0.0.1", port: server.port as number });
    socket.write(`GET /livez HTTP/${rest}\r\n`);
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    assert.equal(answer.slice(0, 13), `HTTP/1.1 ${status} `);
  }
});

/** Both servers, each with a page whose answers wait for `open`. */
const gated = {
  async probe(context: TestContext) {
    const gate = gateOf();
    const metrics = createMetrics();
    const server = await startProbeServer({
      address: { kind: "host", host: "127.0.0.1", port: 0 },
      metrics: {
        ...metrics,
        async expose() {
          await gate.pass();
          return { contentType: "text/plain", body: "told\n" };
        },
      },
      log: gate.log,
      checks: () => [],
    });
    context.after(() => server.close());
    return { ...gate, server, at: portOf(server), path: "/metrics", plain: "/livez" };
  },
  async control(context: TestContext) {
    const gate = gateOf();
    const waits = async () => {
      await gate.pass();
      return { text: "told\n" };
    };
    const server = await startControlServer({
      address: { kind: "loopback", port: 0 },
      log: gate.log,
      routes: () => [tell, { ...tell, path: "/waits", handle: waits }],
    });
    context.after(() => server.close());
    return { ...gate, server, at: portOf(server), path: "/waits", plain: "/tell" };
  },
};

function gateOf() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  let asked = 0;
  const pass = (): Promise<void> => {
    asked++;
    return opened;
  };
  const said: string[] = [];
  const log: Logger = { ...silentLogger, debug: (_fields, message) => said.push(message) };
  return { open, pass, asked: () => asked, said, log };
}

const get = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${CONTROL_HEADER}: 1\r\n\r\n`;

/** A connection that a test speaks on by hand. */
interface Dialled {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  ask(text: string): Promise<string>;
}

async function dial(port: number): Promise<Dialled> {
  const socket = connect({ host: "127.0.0.1", port }).on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  const ask = async (text: string): Promise<string> => {
    socket.write(text);
    return String(((await once(socket, "data")) as [Buffer])[0]);
  };
  return { socket, closed, ask };
}

for (const name of ["probe", "control"] as const) {
  test(`who pipelines to the ${name} server is closed, with one request asked and the rest hardly parsed`, async (context) => {
    const { server, at, asked, open, path, plain, said } = await gated[name](context);
    let parsed = 0;
    const count = (): void => void parsed++;
    subscribe("http.server.request.start", count);
    context.after(() => unsubscribe("http.server.request.start", count));
    const { socket, closed } = await dial(server.port as number);
    socket.write(get(path).repeat(1_000));
    await closed;
    open();
    assert.equal((await call(at, plain, { headers: CONTROL })).status, 200);
    assert.ok(asked() <= 1, `asked ${asked()} times`);
    assert.ok(parsed < 50, `parsed ${parsed}`);
    assert.deepEqual(said, ["closed a connection: it sent a request before the last was answered"]);
  });

  test(`one request after the other on one connection is what the ${name} server serves`, async (context) => {
    const { server, plain } = await gated[name](context);
    const { ask, socket } = await dial(server.port as number);
    for (let turn = 0; turn < 5; turn++) assert.match(await ask(get(plain)), /^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test(`at 64 connections the ${name} server closes the one that has been without a request for longest`, async (context) => {
    const { server, at, plain } = await gated[name](context);
    const open = [];
    // One by one, so that they are accepted in this order. All but the first have sent half a head.
    for (let n = 0; n < 64; n++) {
      const dialled = await dial(server.port as number);
      if (n > 0) dialled.socket.write("GET /livez HTTP/1.1\r\n");
      open.push(dialled);
    }
    const [first, second, third] = open as [Dialled, Dialled, Dialled];
    // It was first, and has had a request since.
    assert.match(await first.ask(get(plain)), /^HTTP\/1\.1 200 /);
    assert.equal((await call(at, plain, { headers: CONTROL })).status, 200);
    await second.closed;
    assert.match(await first.ask(get(plain)), /^HTTP\/1\.1 200 /);
    assert.match(await third.ask(`Host: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 \d/);
    for (const { socket } of open) socket.destroy();
  });

  test(`while the ${name} server answers on 64 connections it cuts none of them, and refuses the next`, async (context) => {
    const { at, asked, open, path, plain } = await gated[name](context);
    const answers = Array.from({ length: 64 }, () => call(at, path, { headers: CONTROL }));
    while (asked() < 64) await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(call(at, plain, { headers: CONTROL }), /socket hang up|ECONNRESET/);
    open();
    for (const answer of await Promise.all(answers)) assert.equal(answer.body, "told\n");
    assert.equal((await call(at, plain, { headers: CONTROL })).status, 200);
  });

  test(`who leaves the ${name} server while being answered leaves its place to others`, async (context) => {
    const { server, at, asked, path, plain } = await gated[name](context);
    const leave = async (): Promise<void> => {
      const before = asked();
      const { socket, closed } = await dial(server.port as number);
      socket.write(get(path));
      while (asked() === before && !socket.destroyed) await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      await closed;
    };
    for (let n = 0; n < 70; n++) await leave();
    // The last to leave may not have been seen to leave yet.
    let answer = null;
    for (let look = 0; answer === null && look < 1_000; look++)
      answer = await call(at, plain, { headers: CONTROL }).catch(() => null);
    assert.equal(answer?.status, 200);
  });
}

test("of 200 connections that come at once 136 are closed", async (context) => {
  const { server } = await probe(context);
  const open = Array.from({ length: 200 }, () => connect({ host: "127.0.0.1", port: server.port as number }));
  await new Promise<void>((resolve) => {
    let closed = 0;
    for (const socket of open)
      socket
        .on("error", () => {})
        .on("close", () => {
          if (++closed === 136) resolve();
        });
  });
  for (const socket of open) socket.destroy();
});
