/** The client against an API server in this process. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "node:test";
import { systemClock } from "../time/clock.ts";
import { TestApiServer, VirtualClock, type ApiServerOptions } from "../testing/index.ts";
import { KubernetesClient } from "./client.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ENDPOINT_SLICES, LEASES, type Lease } from "./objects.ts";

const { signal } = new AbortController();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function accessTo(
  url: string,
  token: () => string | null = () => null,
): ClusterAccess & { refusals: number } {
  return {
    server: new URL(url),
    namespace: "default",
    serverName: null,
    insecure: false,
    source: "the test",
    refusals: 0,
    credentials: async () => ({ token: token(), ca: null, cert: null, key: null }),
    refused() {
      this.refusals++;
    },
  };
}

async function setup(options: ApiServerOptions & { token?: () => string; timeout?: number } = {}) {
  const server = await TestApiServer.start(options);
  const access = accessTo(server.url, options.token);
  // No pause takes time.
  const clock = { ...systemClock, sleep: async () => {} };
  const { timeout = 10_000 } = options;
  const client = new KubernetesClient({ access, clock, random: () => 0.5, timeout });
  closing.push(
    () => server.stop(),
    () => client.close(),
  );
  return { server, client, access };
}

const lease = (name: string, holder: string): Lease => ({
  metadata: { name },
  spec: { holderIdentity: holder, leaseDurationSeconds: 15 },
});
const code = (expected: string, message = /./) => ({ code: expected, message });

describe("a client of the API", () => {
  it("creates, gets, updates and patches an object, and keeps the fields that it does not know", async () => {
    const { client, server } = await setup();
    const created = await client.create(
      LEASES,
      "default",
      { ...lease("ticker", "a"), extra: { deep: [1] } },
      signal,
    );
    assert.equal(created.metadata.namespace, "default");
    assert.ok(created.metadata.uid);
    const updated = await client.update(
      LEASES,
      "default",
      { ...created, spec: { ...created.spec, holderIdentity: "b" } },
      signal,
    );
    assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
    assert.equal(updated.metadata.uid, created.metadata.uid);
    await client.patch(LEASES, "default", "ticker", { metadata: { labels: { app: "x" } } }, signal);
    const read = await client.get(LEASES, "default", "ticker", signal);
    assert.equal(read.spec?.holderIdentity, "b");
    assert.deepEqual(read.metadata.labels, { app: "x" });
    assert.deepEqual(read["extra"], { deep: [1] });
    assert.deepEqual(
      server.requests.map(({ verb }) => verb),
      ["create", "update", "patch", "get"],
    );
  });

  it("names verb, object and the server's own words when it is refused, under a stable code", async () => {
    const { client } = await setup();
    const stands = await client.create(LEASES, "default", lease("ticker", "a"), signal);
    await client.update(LEASES, "default", { ...stands, spec: null }, signal);
    await assert.rejects(
      client.get(LEASES, "default", "none", signal),
      code(
        "kubernetes-not-found",
        /^get leases\.coordination\.k8s\.io default\/none: 404 NotFound: leases\.coordination\.k8s\.io "none" not found$/,
      ),
    );
    await assert.rejects(
      client.create(LEASES, "default", lease("ticker", "b"), signal),
      code("kubernetes-already-exists", /already exists/),
    );
    await assert.rejects(
      client.update(LEASES, "default", stands, signal),
      code("kubernetes-conflict", /the object has been modified/),
    );
    await assert.rejects(
      client.create(LEASES, "default", { ...lease("x", "b"), spec: { leaseDurationSeconds: 0 } }, signal),
      code(
        "kubernetes-invalid",
        /422 Invalid: .*spec\.leaseDurationSeconds: Invalid value: 0: must be greater than 0/,
      ),
    );
  });

  it("says what to grant when it has not the right to", async () => {
    const rules = [
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get"], resourceNames: ["other"] },
    ];
    const { client } = await setup({
      users: { t: { name: "system:serviceaccount:default:ticker", rules } },
      token: () => "t",
    });
    await assert.rejects(
      client.get(LEASES, "default", "ticker", signal),
      code(
        "kubernetes-forbidden",
        /User "system:serviceaccount:default:ticker" cannot get resource "leases".*; a Role in namespace default must grant it: apiGroups \[coordination\.k8s\.io\], resources \[leases\], verbs \[get\], resourceNames \[ticker\]$/,
      ),
    );
    await assert.rejects(
      client.create(LEASES, "default", lease("ticker", "a"), signal),
      code("kubernetes-forbidden", /verbs \[create\]$/),
    );
  });

  it("asks once more with credentials that were read again when the server does not know them, writes too", async () => {
    let token = "old";
    const { client, access, server } = await setup({ users: { new: { name: "me" } }, token: () => token });
    await assert.rejects(
      client.create(LEASES, "default", lease("ticker", "a"), signal),
      code("kubernetes-unauthorized", /credentials are those of the test/),
    );
    assert.equal(access.refusals, 1);
    assert.equal(server.requests.length, 2);
    access.refused = () => void (token = "new");
    token = "old";
    await client.create(LEASES, "default", lease("ticker", "a"), signal);
    assert.equal(server.requests.at(-1)?.authorization, "Bearer new");
  });

  it("repeats what only reads, and not more than three times", async () => {
    const { client, server } = await setup();
    await client.create(LEASES, "default", lease("ticker", "a"), signal);
    server.order({ kind: "answer", code: 503 }, "get");
    server.order({ kind: "lost" }, "get");
    server.order({ kind: "lost", after: 20 }, "get");
    assert.equal((await client.get(LEASES, "default", "ticker", signal)).spec?.holderIdentity, "a");
    assert.equal(server.requests.length, 5);
    server.order({ kind: "answer", code: 500 }, "get", 4);
    await assert.rejects(
      client.get(LEASES, "default", "ticker", signal),
      code("kubernetes-unavailable", /500/),
    );
    assert.equal(server.requests.length, 9);
  });

  it("repeats no write of which nobody knows whether it was done", async () => {
    const { client, server } = await setup();
    for (const fault of [
      { kind: "answer", code: 500 },
      { kind: "answer", code: 503, retryAfter: 1 },
      { kind: "answer", code: 429 },
      { kind: "lost" },
      { kind: "lost", after: 10 },
    ] as const) {
      const before = server.requests.length;
      server.order(fault);
      await assert.rejects(client.create(LEASES, "default", lease(`x${before}`, "a"), signal));
      assert.equal(server.requests.length, before + 1, JSON.stringify(fault));
    }
    // The two that were lost were done.
    assert.equal((await client.list(LEASES, "default", {}, signal)).items.length, 2);
  });

  it("repeats a write that was put off by 429 with Retry-After, not before that is over", async () => {
    const server = await TestApiServer.start();
    const clock = new VirtualClock();
    const pauses: number[] = [];
    const access = accessTo(server.url);
    const client = new KubernetesClient({
      access,
      clock: Object.assign(clock, { sleep: async (span: number) => void pauses.push(span) }),
      random: () => 0.5,
    });
    closing.push(
      () => server.stop(),
      () => client.close(),
    );
    server.order({ kind: "answer", code: 429, retryAfter: 3 }, "create", 2);
    await client.create(LEASES, "default", lease("ticker", "a"), signal);
    assert.deepEqual(pauses, [3_050, 3_100]);
    server.order({ kind: "answer", code: 429, retryAfter: 60 });
    await assert.rejects(
      client.get(LEASES, "default", "ticker", signal),
      code("kubernetes-too-many-requests"),
    );
    assert.equal(clock.pendingTimers, 0);
  });

  it("gives up an attempt without an answer, and says so", async () => {
    const { client, server } = await setup({ timeout: 50 });
    server.order({ kind: "hang" });
    await assert.rejects(
      client.create(LEASES, "default", lease("ticker", "a"), signal),
      code("kubernetes-unavailable", /no answer within 50 ms/),
    );
    server.order({ kind: "hang" });
    await client.list(LEASES, "default", {}, signal);
  });

  it("ends with the signal's reason, at any moment", async () => {
    const { client, server } = await setup();
    await assert.rejects(
      client.get(LEASES, "default", "x", AbortSignal.abort(new Error("before"))),
      /^Error: before$/,
    );
    assert.equal(server.requests.length, 0);
    const during = new AbortController();
    server.order({ kind: "hang" });
    const asked = client.get(LEASES, "default", "x", during.signal);
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    during.abort(new Error("during"));
    await assert.rejects(asked, /^Error: during$/);
  });

  it("names the address, and where the credentials are from, when there is nobody", async () => {
    const { client, server } = await setup();
    const { port } = server;
    await server.stop();
    await assert.rejects(
      client.get(LEASES, "default", "x", signal),
      code(
        "kubernetes-unavailable",
        new RegExp(`no answer from 127.0.0.1:${port} \\(of the test\\): .*ECONNREFUSED`),
      ),
    );
  });

  it("lists all pages, of one selection, and begins anew when the pages have expired", async () => {
    const { client, server } = await setup();
    for (let index = 0; index < 7; index++)
      await client.create(
        LEASES,
        "default",
        { metadata: { name: `l${index}`, labels: { odd: String(index % 2) } } },
        signal,
      );
    const all = await client.list(LEASES, "default", { limit: 3 }, signal);
    assert.deepEqual(
      all.items.map(({ metadata }) => metadata.name),
      ["l0", "l1", "l2", "l3", "l4", "l5", "l6"],
    );
    assert.equal(all.resourceVersion, String(server.store.revision));
    const odd = await client.list(LEASES, "default", { labelSelector: "odd=1" }, signal);
    assert.equal(odd.items.length, 3);
    const before = server.requests.length;
    const list = client.list(LEASES, "default", { limit: 3 }, signal);
    while (server.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    server.store.revision++;
    server.store.compact();
    assert.equal((await list).items.length, 7);
    assert.equal(server.requests.at(-1)?.query.get("limit"), null);
  });

  it("refuses an answer that is no object of that kind, or of somebody else", async () => {
    const answers = [
      "<html>welcome</html>",
      "{}",
      '{"metadata":{"name":"x"},"spec":{"leaseDurationSeconds":"15"}}',
    ];
    let status = 200;
    const other: Server = createServer((_, response) =>
      response.writeHead(status).end(answers.shift() ?? "go away"),
    );
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const client = new KubernetesClient({
      access: accessTo(`http://127.0.0.1:${(other.address() as AddressInfo).port}`),
      clock: systemClock,
    });
    closing.push(
      () => other.close(),
      () => other.closeAllConnections(),
      () => client.close(),
    );
    const get = () => client.get(LEASES, "default", "x", signal);
    await assert.rejects(get(), code("kubernetes-unexpected", /the answer is no JSON: <html>/));
    await assert.rejects(get(), code("kubernetes-unexpected", /the answer is no Lease: metadata/));
    await assert.rejects(get(), code("kubernetes-unexpected", /spec\.leaseDurationSeconds/));
    status = 302;
    await assert.rejects(get(), code("kubernetes-unexpected", /302: go away/));
  });

  it("reads an EndpointSlice whose lists and conditions are null", async () => {
    const { client, server } = await setup();
    server.store.create(ENDPOINT_SLICES, "default", {
      metadata: { name: "s" },
      addressType: "IPv4",
      endpoints: null,
      ports: null,
    });
    assert.equal((await client.get(ENDPOINT_SLICES, "default", "s", signal)).endpoints, null);
  });
});

describe("a watch", () => {
  it("tells what came after a resourceVersion, bookmarks, and its end", async () => {
    const { client, server } = await setup();
    const { store, watches } = server;
    const first = store.create(LEASES, "default", lease("a", "x"));
    store.create(LEASES, "default", lease("b", "x"));
    const { resourceVersion = "" } = first.metadata;
    const events: string[] = [];
    for await (const event of client.watch(LEASES, "default", { resourceVersion }, signal)) {
      events.push(
        event.type === "BOOKMARK"
          ? `BOOKMARK ${event.resourceVersion}`
          : `${event.type} ${event.object.metadata.name}`,
      );
      if (events.length === 1) store.remove(LEASES, "default", "a");
      if (events.length === 2) watches.bookmark();
      if (events.length === 3) watches.end();
    }
    assert.deepEqual(events, ["ADDED b", "DELETED a", `BOOKMARK ${store.revision}`]);
    assert.equal(server.requests[0]?.query.get("allowWatchBookmarks"), "true");
    const seconds = Number(server.requests[0]?.query.get("timeoutSeconds"));
    assert.ok(seconds >= 300 && seconds <= 600);
  });

  for (const goneAs of ["event", "status"] as const)
    it(`rejects with kubernetes-gone for what was compacted, told as ${goneAs}`, async () => {
      const { client, server } = await setup();
      server.goneAs = goneAs;
      server.store.create(LEASES, "default", lease("a", "x"));
      server.store.compact();
      const watch = client.watch(LEASES, "default", { resourceVersion: "1000" }, signal);
      await assert.rejects(watch.next(), code("kubernetes-gone", /too old resource version/));
    });

  it("rejects when it is broken in the middle of a line, and ends when nothing comes any more", async () => {
    const { client, server } = await setup();
    const options = { resourceVersion: String(server.store.revision) };
    const broken = client.watch(LEASES, "default", options, signal).next();
    while (server.watches.count === 0) await new Promise((resolve) => setImmediate(resolve));
    server.watches.break();
    await assert.rejects(broken, code("kubernetes-unavailable"));
    const silent = client.watch(LEASES, "default", { ...options, silence: 30 }, signal);
    assert.deepEqual(await silent.next(), { done: true, value: undefined });
    assert.equal(server.watches.count, 0);
  });

  it("lasts as long as something comes, also only bookmarks", async () => {
    const server = await TestApiServer.start();
    const clock = new VirtualClock();
    const client = new KubernetesClient({ access: accessTo(server.url), clock });
    closing.push(
      () => server.stop(),
      () => client.close(),
    );
    const watch = client.watch(LEASES, "default", { resourceVersion: String(server.store.revision) }, signal);
    let next = watch.next();
    while (server.watches.count === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let minute = 0; minute < 3; minute++) {
      server.watches.bookmark();
      assert.equal((await next).value?.type, "BOOKMARK");
      next = watch.next();
      clock.advance(60_000);
    }
    clock.advance(30_000);
    assert.equal((await next).done, true);
    assert.equal(clock.pendingTimers, 0);
  });

  it("waits for Retry-After before it says that it was put off", async () => {
    const server = await TestApiServer.start();
    const pauses: number[] = [];
    const client = new KubernetesClient({
      access: accessTo(server.url),
      clock: { ...systemClock, sleep: async (span: number) => void pauses.push(span) },
    });
    closing.push(
      () => server.stop(),
      () => client.close(),
    );
    server.order({ kind: "answer", code: 429, retryAfter: 3 }, "watch");
    const watch = client.watch(LEASES, "default", { resourceVersion: "1000" }, signal);
    await assert.rejects(watch.next(), code("kubernetes-too-many-requests"));
    assert.deepEqual(pauses, [3_000]);
  });

  it("ends its connection when nobody listens any more", async () => {
    const { client, server } = await setup();
    server.store.create(LEASES, "default", lease("a", "x"));
    for await (const _ of client.watch(LEASES, "default", { resourceVersion: "1000" }, signal)) break;
    while (server.watches.count > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
