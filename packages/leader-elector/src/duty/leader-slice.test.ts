/** The leader's EndpointSlice, through terms in and out of order. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { createMetrics, silentLogger, type Clock } from "@outrigger/core";
import { ENDPOINT_SLICES, type EndpointSlice } from "@outrigger/core/kubernetes";
import { TestApiServer, VirtualClock, type ApiServerOptions } from "@outrigger/core/testing";
import { clientOf, hastyClock } from "../testing/api-client.ts";
import type { Term } from "./duty.ts";
import { LeaderSlice, type LeaderSliceOptions } from "./leader-slice.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const { signal } = new AbortController();
const term = (token: bigint): Term => ({
  election: "ticker",
  id: "me",
  token,
  acquiredAt: 0,
  isLeading: true,
});

async function setup(options: ApiServerOptions & { token?: string } = {}) {
  const server = await TestApiServer.start(options);
  closing.push(() => server.stop());
  const duty = (
    address: string,
    more: Partial<LeaderSliceOptions> = {},
    clock: Pick<Clock, "sleep" | "timer"> = hastyClock,
  ): LeaderSlice => {
    const client = clientOf(server, options);
    closing.push(() => client.close());
    return new LeaderSlice(
      {
        namespace: "default",
        name: "ticker-leader",
        service: "ticker",
        address,
        ports: [{ name: "http", port: 8080 }],
        ...more,
      },
      { client, clock, log: silentLogger, metrics: createMetrics() },
    );
  };
  const slice = (): EndpointSlice =>
    server.store.get(ENDPOINT_SLICES, "default", "ticker-leader") as unknown as EndpointSlice;
  const addresses = (): string[] => (slice().endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  const precreate = (more: object = {}): void =>
    void server.store.create(ENDPOINT_SLICES, "default", {
      metadata: { name: "ticker-leader" },
      addressType: "IPv4",
      ...more,
    });
  return { server, duty, slice, addresses, precreate };
}

describe("the leader's EndpointSlice", () => {
  it("names the leader's pod during its term, and nobody afterwards", async () => {
    const { duty, slice, addresses } = await setup();
    const one = duty("10.0.0.1", { pod: { name: "ticker-0", uid: "u", node: "n" } });
    await one.start();
    await one.begin(term(5n), signal);
    const { metadata, addressType, endpoints, ports } = slice();
    assert.deepEqual(metadata.labels, {
      "kubernetes.io/service-name": "ticker",
      "endpointslice.kubernetes.io/managed-by": "outrigger-leader-elector",
    });
    assert.deepEqual(metadata.annotations, { "outrigger.dev/token": "5" });
    assert.equal(addressType, "IPv4");
    assert.deepEqual(endpoints, [
      {
        addresses: ["10.0.0.1"],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: "n",
        targetRef: { kind: "Pod", namespace: "default", name: "ticker-0", uid: "u" },
      },
    ]);
    assert.deepEqual(ports, [{ name: "http", port: 8080, protocol: "TCP" }]);
    await one.end(term(5n), "resigned", signal);
    assert.deepEqual(addresses(), []);
    assert.deepEqual(slice().metadata.annotations, { "outrigger.dev/token": "5" });
    await one.begin(term(6n), signal);
    assert.deepEqual(addresses(), ["10.0.0.1"]);
  });

  it("passes to the next leader, and the former can neither empty it nor take it back", async () => {
    const { duty, addresses } = await setup();
    const [former, next] = [duty("10.0.0.1"), duty("10.0.0.2")];
    await former.begin(term(5n), signal);
    await next.begin(term(6n), signal);
    await former.end(term(5n), "lost", signal);
    assert.deepEqual(addresses(), ["10.0.0.2"]);
    await assert.rejects(former.begin(term(5n), signal), {
      code: "stale-token",
      message: /has token 6 of a later leader than ours, 5/,
    });
    await next.end(term(6n), "stopped", signal);
    await assert.rejects(former.begin(term(5n), signal), { code: "stale-token" });
    assert.deepEqual(addresses(), []);
  });

  it("is not taken back by a write that was on its way while the next leader wrote", async () => {
    const { server, duty, addresses } = await setup();
    const [former, next] = [duty("10.0.0.1"), duty("10.0.0.2")];
    await next.begin(term(3n), signal);
    let goOn = (): void => {};
    server.order({ kind: "slow", until: new Promise((resolve) => (goOn = resolve)) }, "update");
    const late = former.begin(term(5n), signal);
    while (server.requests.at(-1)?.verb !== "update") await new Promise((resolve) => setImmediate(resolve));
    await next.begin(term(6n), signal);
    goOn();
    await assert.rejects(late, { code: "stale-token" });
    assert.deepEqual(addresses(), ["10.0.0.2"]);
  });

  for (const [before, verb] of [
    ["names another", "update"],
    ["is empty", "update"],
    ["is not there", "create"],
  ] as const)
    it(`does not name a pod whose write arrives after its term has ended, where it ${before}`, async () => {
      const { server, duty, slice, addresses, precreate } = await setup();
      const [former, one] = [duty("10.0.0.2"), duty("10.0.0.1")];
      if (before === "names another") await former.begin(term(3n), signal);
      if (before === "is empty") precreate();
      let goOn = (): void => {};
      server.order({ kind: "slow", until: new Promise((resolve) => (goOn = resolve)) }, verb);
      const during = new AbortController();
      const begun = one.begin(term(5n), during.signal);
      while (server.requests.at(-1)?.verb !== verb) await new Promise((resolve) => setImmediate(resolve));
      during.abort(new Error("the term is over"));
      await assert.rejects(begun, /the term is over/);
      await one.end(term(5n), "lost", signal);
      goOn();
      await duty("10.0.0.3").start();
      assert.deepEqual(addresses(), []);
      assert.equal(slice().metadata.annotations?.["outrigger.dev/token"], "5");
    });

  it("ends, too, where it was deleted and may not be created", async () => {
    const rules = [{ apiGroups: ["*"], resources: ["*"], verbs: ["get", "update"] }];
    const { server, duty, precreate } = await setup({ users: { t: { name: "pod", rules } }, token: "t" });
    precreate();
    const one = duty("10.0.0.1");
    await one.begin(term(5n), signal);
    server.store.remove(ENDPOINT_SLICES, "default", "ticker-leader");
    await one.end(term(5n), "resigned", signal);
    assert.equal(server.store.find(ENDPOINT_SLICES, "default", "ticker-leader"), null);
  });

  it("leaves a slice of another controller as it stands, also at the end", async () => {
    const { duty, slice, precreate } = await setup();
    const labels = { "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
    precreate({ metadata: { name: "ticker-leader", labels }, endpoints: [{ addresses: ["10.0.0.9"] }] });
    const before = slice();
    await assert.rejects(duty("10.0.0.1").begin(term(5n), signal), { code: "bad-leader-slice" });
    await duty("10.0.0.1").end(term(5n), "failed", signal);
    assert.deepEqual(slice(), before);
  });

  it("is written by one of two that create it at once", async () => {
    const { duty, slice, addresses } = await setup();
    const [one, two] = [duty("10.0.0.1"), duty("10.0.0.2")];
    const outcomes = await Promise.allSettled([one.begin(term(5n), signal), two.begin(term(6n), signal)]);
    assert.equal(outcomes[1].status, "fulfilled");
    assert.deepEqual(addresses(), ["10.0.0.2"]);
    assert.equal(slice().metadata.annotations?.["outrigger.dev/token"], "6");
  });

  it("may be created beforehand, and then needs get and update of it alone; other labels and fields stay", async () => {
    const rules = [
      {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        resourceNames: ["ticker-leader"],
        verbs: ["get", "update"],
      },
    ];
    const { duty, slice, precreate } = await setup({ users: { t: { name: "pod", rules } }, token: "t" });
    const one = duty("10.0.0.1");
    await one.start();
    await assert.rejects(one.begin(term(1n), signal), {
      code: "kubernetes-forbidden",
      message: /verbs \[create\]/,
    });
    precreate({ metadata: { name: "ticker-leader", labels: { team: "x" } }, endpoints: null });
    await one.begin(term(1n), signal);
    assert.equal(slice().metadata.labels?.["team"], "x");
    assert.equal(slice().metadata.labels?.["kubernetes.io/service-name"], "ticker");
  });

  it("is written in spite of conflicts and failures, and of answers that were lost", async () => {
    const { server, duty, addresses, precreate } = await setup();
    precreate();
    const one = duty("10.0.0.1");
    server.order({ kind: "answer", code: 500 }, "update", 2);
    server.order({ kind: "lost" }, "update");
    server.order({ kind: "answer", code: 409 }, "update");
    await one.begin(term(1n), signal);
    assert.deepEqual(addresses(), ["10.0.0.1"]);
    server.order({ kind: "answer", code: 503 }, "get", 9);
    server.order({ kind: "lost" }, "update");
    await one.end(term(1n), "stopped", signal);
    assert.deepEqual(addresses(), []);
  });

  it("is tried until the signal aborts, and not longer; an end does not reject", async () => {
    const { server, duty, precreate } = await setup();
    precreate();
    const one = duty("10.0.0.1");
    server.order({ kind: "answer", code: 503 }, null, Infinity);
    const during = new AbortController();
    const begun = one.begin(term(1n), during.signal);
    while (server.requests.length < 10) await new Promise((resolve) => setImmediate(resolve));
    during.abort(new Error("the term is over"));
    await assert.rejects(begun, /the term is over/);
    await one.end(term(1n), "lost", AbortSignal.abort(new Error("hurry")));
    server.clearFaults();
  });

  it("does not keep what ends after it from its time while the API server does not answer", async () => {
    const { server, duty } = await setup();
    const clock = new VirtualClock();
    const one = duty("10.0.0.1", {}, clock);
    await one.begin(term(1n), signal);
    server.order({ kind: "hang" });
    const before = server.requests.length;
    const ended = one.end(term(1n), "resigned", signal);
    while (server.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5_000);
    await ended;
    assert.equal(server.requests.length, before + 1);
  });

  it("is written again where somebody deletes it, or makes it anew, during the term, and not afterwards", async () => {
    const { server, duty, addresses, precreate } = await setup();
    const clock = new VirtualClock();
    const one = duty("10.0.0.1", {}, clock);
    const during = new AbortController();
    await one.begin(term(5n), during.signal);
    const named = async (): Promise<void> => {
      // The timer is set anew when the look has ended.
      while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(addresses(), ["10.0.0.1"]);
    };
    for (const change of [() => {}, precreate]) {
      server.store.remove(ENDPOINT_SLICES, "default", "ticker-leader");
      change();
      clock.advance(30_000);
      await named();
    }
    const writes = server.requests.length;
    clock.advance(30_000);
    await named();
    assert.deepEqual(
      server.requests.slice(writes).map(({ verb }) => verb),
      ["get"],
    );
    during.abort(new Error("the term is over"));
    assert.equal(clock.pendingTimers, 0);
    await one.end(term(5n), "resigned", signal);
    assert.deepEqual(addresses(), []);
  });

  it("is left to a later leader and by one that leads no more, and kept in spite of a look that failed", async () => {
    const { server, duty, addresses } = await setup();
    const clock = new VirtualClock();
    const one = duty("10.0.0.1", {}, clock);
    const mine = { ...term(5n), isLeading: true };
    await one.begin(mine, signal);
    const looked = async (): Promise<void> => {
      clock.advance(30_000);
      while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    server.store.remove(ENDPOINT_SLICES, "default", "ticker-leader");
    mine.isLeading = false;
    await looked();
    assert.equal(server.requests.at(-1)?.verb, "get");
    mine.isLeading = true;
    server.order({ kind: "answer", code: 500 }, "create");
    await looked();
    assert.equal(server.store.find(ENDPOINT_SLICES, "default", "ticker-leader"), null);
    await looked();
    assert.deepEqual(addresses(), ["10.0.0.1"]);
    await duty("10.0.0.2").begin(term(6n), signal);
    await looked();
    assert.deepEqual(addresses(), ["10.0.0.2"]);
  });

  it("is refused before the first term where it cannot be: no right, another's, another family", async () => {
    const { duty } = await setup({ users: { t: { name: "pod", rules: [] } }, token: "t" });
    await assert.rejects(duty("10.0.0.1").start(), { code: "kubernetes-forbidden" });
    const labels = { "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
    const managed = await setup();
    managed.precreate({ metadata: { name: "ticker-leader", labels } });
    await assert.rejects(managed.duty("10.0.0.1").start(), {
      code: "bad-leader-slice",
      message: /is managed by endpointslice-controller\.k8s\.io: give the leader's a name of its own/,
    });
    const { duty: six, precreate } = await setup();
    precreate();
    await assert.rejects(six("fd00::1").start(), { code: "bad-leader-slice", message: /address type IPv4/ });
    assert.throws(() => six("ticker-0.ticker"), { code: "bad-leader-slice", message: /status\.podIP/ });
  });

  it("does not keep the elector from starting while the API server is away, or the slice is not there", async () => {
    const { server, duty } = await setup();
    await duty("10.0.0.1").start();
    server.order({ kind: "answer", code: 503 }, null, 9);
    await duty("10.0.0.1").start();
    server.clearFaults();
    server.order({ kind: "hang" });
    const clock = new VirtualClock();
    const before = server.requests.length;
    const started = duty("10.0.0.1", {}, clock).start();
    while (server.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5_000);
    await started;
    assert.equal(server.requests.length, before + 1);
    assert.equal(clock.pendingTimers, 0);
  });
});
