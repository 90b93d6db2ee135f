/** discovery=kubernetes, from an API server's EndpointSlices to an upstream's endpoints. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { systemClock, type Clock } from "@outrigger/core";
import { ENDPOINT_SLICES, KubernetesClient } from "@outrigger/core/kubernetes";
import { TestApiServer, type ApiServerOptions } from "@outrigger/core/testing";
import { upstreamConfig, type UpstreamConfigInput } from "../config.ts";
import { eventually } from "../testing/eventually.ts";
import { recordingLogger } from "../testing/recording-logger.ts";
import { Upstream } from "../upstream.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Pauses take a turn of the loop, so that nothing here takes time. */
const clock: Clock = {
  ...systemClock,
  sleep: async (_span, signal) => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  },
};

async function setup(input: UpstreamConfigInput, options: ApiServerOptions & { opensAfter?: number } = {}) {
  const server = await TestApiServer.start(options);
  const log = recordingLogger();
  let opened = 0;
  const kubernetes = async (): Promise<KubernetesClient> => {
    if (opened++ < (options.opensAfter ?? 0)) throw new Error("no access yet");
    return new KubernetesClient({
      access: {
        server: new URL(server.url),
        namespace: "shop",
        serverName: null,
        insecure: false,
        source: "the test",
        credentials: async () => ({ token: "t", ca: null, cert: null, key: null }),
        refused: () => {},
      },
      clock,
    });
  };
  const upstream = new Upstream("test", upstreamConfig({ discovery: "kubernetes", ...input }), {
    clock,
    log,
    kubernetes,
  });
  closing.push(
    () => server.stop(),
    () => upstream.stop(),
  );
  const put = (
    name: string,
    service: string,
    addresses: string[],
    more: object = {},
    namespace = "shop",
  ): void => {
    const old = server.store.find(ENDPOINT_SLICES, namespace, name);
    const object = {
      metadata: { name, namespace, labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      endpoints: addresses.map((address) => ({ addresses: [address], ...more })),
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    };
    if (old) server.store.update(ENDPOINT_SLICES, namespace, object);
    else server.store.create(ENDPOINT_SLICES, namespace, object);
  };
  const keys = (): string[] => upstream.endpoints.map(({ key }) => key);
  const becomes = (...wanted: string[]): Promise<void> =>
    eventually(`the endpoints are ${wanted.join()}`, () => keys().join() === wanted.join());
  const notes = (): readonly string[] => upstream.describe(clock.now()).discovery.notes;
  return { server, upstream, put, keys, becomes, notes, log };
}

describe("discovery by EndpointSlices", () => {
  it("has the pods of a Service of the own namespace and of another, and follows them", async () => {
    const { server, upstream, put, becomes, keys } = await setup({
      endpoints: ["catalog:http", "db.data:5432*3"],
    });
    put("catalog-1", "catalog", ["10.0.0.1"]);
    put("catalog-2", "catalog", ["10.0.0.2"]);
    put("other", "other", ["10.0.0.9"]);
    put("db-1", "db", ["10.1.0.1"], {}, "data");
    await upstream.start();
    assert.deepEqual(keys(), ["10.0.0.1:8080", "10.0.0.2:8080", "10.1.0.1:8080"]);
    assert.deepEqual(
      upstream.endpoints.map(({ name, weight }) => [name, weight]),
      [
        ["catalog", 1],
        ["catalog", 1],
        ["db.data", 3],
      ],
    );
    const stays = upstream.endpoints[1];
    put("catalog-1", "catalog", ["10.0.0.3"]);
    await becomes("10.0.0.2:8080", "10.0.0.3:8080", "10.1.0.1:8080");
    assert.equal(upstream.endpoints[0], stays);
    server.store.remove(ENDPOINT_SLICES, "shop", "catalog-2");
    await becomes("10.0.0.3:8080", "10.1.0.1:8080");
  });

  it("goes on with pods that terminate, and with nobody where there is none at all", async () => {
    const { upstream, put, becomes, notes } = await setup({ endpoints: ["catalog:http"] });
    put("catalog-1", "catalog", ["10.0.0.1"]);
    put("catalog-2", "catalog", ["10.0.0.2"]);
    await upstream.start();
    put("catalog-1", "catalog", ["10.0.0.1"], {
      conditions: { ready: false, serving: true, terminating: true },
    });
    await becomes("10.0.0.2:8080");
    put("catalog-2", "catalog", ["10.0.0.2"], {
      conditions: { ready: false, serving: false, terminating: true },
    });
    await becomes("10.0.0.1:8080");
    put("catalog-1", "catalog", []);
    await becomes();
    assert.deepEqual(notes(), ["catalog:http has no endpoint: none of its pods is ready"]);
    put("catalog-1", "catalog", ["10.0.0.1"]);
    await becomes("10.0.0.1:8080");
    assert.deepEqual(notes(), []);
  });

  it("keeps what it knows while one of its Services cannot be asked", async () => {
    const rules = [
      {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        verbs: ["list", "watch"],
      },
    ];
    const { server, upstream, put, notes, keys } = await setup(
      { endpoints: ["catalog:http", "db.data:http"] },
      { users: { t: { name: "me", namespace: "shop", rules } } },
    );
    put("catalog-1", "catalog", ["10.0.0.1"]);
    await upstream.start();
    put("catalog-1", "catalog", []);
    await eventually("it says that there is none", () => notes().some((note) => /has no pod/.test(note)));
    assert.deepEqual(keys(), ["10.0.0.1:8080"]);
    assert.ok(server.watches.count > 0);
  });

  for (const [endpoint, why] of [
    ["catalog:htp", /catalog:htp has no endpoint: it has no TCP port htp, but http \(8080\), admin \(9\)/],
    ["catalog:80", /catalog:80 has no endpoint: it has no TCP port 80, but http/],
    ["catalogue:http", /catalogue:http has no endpoint: there is no EndpointSlice of a Service of that name/],
    ["sick:http", /sick:http has no endpoint: none of its pods is ready/],
  ] as const)
    it(`says why ${endpoint} has no endpoint`, async () => {
      const { server, upstream, put, notes, log } = await setup({ endpoints: [endpoint, "db:http"] });
      server.store.create(ENDPOINT_SLICES, "shop", {
        metadata: { name: "catalog-1", labels: { "kubernetes.io/service-name": "catalog" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.1"] }],
        ports: [
          { name: "http", port: 8080 },
          { name: "admin", port: 9 },
        ],
      });
      put("sick-1", "sick", ["10.0.0.7"], { conditions: { ready: false } });
      put("db-1", "db", ["10.0.0.5"]);
      await upstream.start();
      assert.match(notes().join(), why);
      assert.equal(log.lines.filter((line) => why.test(line)).length, 1);
    });

  it("finds out what changed while its watch was broken and history was lost (410)", async () => {
    const { server, upstream, put, becomes } = await setup({ endpoints: ["catalog:8080"] });
    put("catalog-1", "catalog", ["10.0.0.1"]);
    await upstream.start();
    await eventually("it watches", () => server.watches.count === 1);
    server.watches.end();
    put("catalog-1", "catalog", ["10.0.0.2"]);
    server.store.compact();
    await becomes("10.0.0.2:8080");
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 2);
  });

  it("serves with what it knows while the API server refuses, says why, and what to grant", async () => {
    const { server, upstream, put, becomes, notes, keys, log } = await setup(
      { endpoints: ["catalog:http"] },
      { users: { t: { name: "me" } } },
    );
    put("catalog-1", "catalog", ["10.0.0.1"]);
    await upstream.start();
    await eventually("it watches", () => server.watches.count === 1);
    server.users?.set("t", { name: "me", rules: [] });
    server.watches.break();
    await eventually("it is refused", () =>
      notes().some((note) => /must grant it.*\[list\]|\[watch\]/.test(note)),
    );
    assert.match(notes().join(), /what was known is kept/);
    assert.deepEqual(keys(), ["10.0.0.1:8080"]);
    server.users?.set("t", { name: "me" });
    put("catalog-1", "catalog", ["10.0.0.2"]);
    await becomes("10.0.0.2:8080");
    assert.deepEqual(notes(), []);
    assert.ok(log.lines.some((line) => /discovery of catalog works again/.test(line)));
  });

  it("starts in spite of a refusal, and of no access to a cluster, and comes to it later", async () => {
    const { upstream, put, becomes, notes } = await setup({ endpoints: ["catalog:http"] }, { opensAfter: 3 });
    put("catalog-1", "catalog", ["10.0.0.1"]);
    await upstream.start();
    await becomes("10.0.0.1:8080");
    assert.deepEqual(notes(), []);
  });

  it("watches other Services when it is configured anew, and none when it is stopped", async () => {
    const { server, upstream, put, becomes } = await setup({ endpoints: ["catalog:http"] });
    put("catalog-1", "catalog", ["10.0.0.1"]);
    put("db-1", "db", ["10.0.0.5"]);
    await upstream.start();
    upstream.update(upstreamConfig({ discovery: "kubernetes", endpoints: ["db:http"] }));
    await becomes("10.0.0.5:8080");
    await eventually("only one is watched", () => server.watches.count === 1);
    await upstream.stop();
    await eventually("none is watched", () => server.watches.count === 0);
  });
});

describe("the configuration of discovery=kubernetes", () => {
  const refused = (input: UpstreamConfigInput, message: RegExp): void =>
    assert.throws(() => upstreamConfig(input), { message });

  it("takes Services with a port's name or number", () => {
    const { endpoints } = upstreamConfig({
      discovery: "kubernetes",
      endpoints: "catalog.shop:http*2,db:5432",
    });
    assert.deepEqual(endpoints, [
      { host: "catalog.shop", port: null, portName: "http", weight: 2 },
      { host: "db", port: 5432, weight: 1 },
    ]);
  });

  it("refuses what is no Service, what has no port, and a port's name elsewhere", () => {
    refused(
      { discovery: "kubernetes", endpoints: ["10.0.0.1:80"] },
      /takes Services such as .*, not 10\.0\.0\.1:80/,
    );
    refused(
      { discovery: "kubernetes", endpoints: ["catalog.example.com:80"] },
      /not catalog\.example\.com:80/,
    );
    refused({ discovery: "kubernetes", endpoints: ["catalog"] }, /catalog has no port/);
    refused(
      { discovery: "dns", endpoints: ["catalog:http"] },
      /catalog:http: a port has a name only with discovery=kub/,
    );
  });
});
