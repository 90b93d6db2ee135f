import { createMetrics } from "@outrigger/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamConfig, type UpstreamConfigInput } from "./config.ts";
import { type Endpoint } from "./endpoint/endpoint.ts";
import { OUTCOMES } from "./endpoint/outcome.ts";
import { fakeResolver } from "./testing/fake-resolver.ts";
import { recordingLogger } from "./testing/recording-logger.ts";
import { addresses, createFixture } from "./testing/upstream-fixture.ts";

test("an endpoint that stays keeps its identity, counts and health across any sequence of updates", () => {
  const some = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 8 });
  const weight = fc.integer({ min: 0, max: 3 });
  const update = fc.record({ hosts: some, weight, balance: fc.constantFrom("least-request", "round-robin") });
  fc.assert(
    fc.property(fc.array(update, { maxLength: 20 }), (updates) => {
      const { upstream } = createFixture({ endpoints: addresses(4) });
      const removed = new Set<Endpoint>();
      upstream.onRemoved((endpoint) => {
        assert.ok(!removed.has(endpoint), "told twice");
        removed.add(endpoint);
      });
      let mark = 100;
      for (const { hosts, weight, balance } of updates) {
        const before = [...upstream.endpoints];
        for (const endpoint of before) {
          endpoint.active = endpoint.connections = ++mark;
          endpoint.healthy = mark % 2 === 0;
          endpoint.failuresInRow = mark;
        }
        const marks = new Map(before.map((endpoint) => [endpoint, endpoint.active]));
        const endpoints = hosts.map((host) => `10.0.0.${host}:80*${weight}`);
        upstream.update(upstreamConfig({ endpoints, balance }));
        assert.deepEqual(
          upstream.endpoints.map(({ host }) => host),
          hosts.map((host) => `10.0.0.${host}`),
        );
        for (const endpoint of upstream.endpoints) {
          assert.equal(endpoint.weight, weight);
          assert.ok(!endpoint.removed && !removed.has(endpoint));
          const old = before.find(({ key }) => key === endpoint.key);
          if (!old) continue;
          assert.equal(endpoint, old);
          assert.deepEqual(
            [endpoint.active, endpoint.connections, endpoint.failuresInRow],
            Array(3).fill(marks.get(old)),
          );
        }
        for (const endpoint of before) {
          const stays = upstream.endpoints.includes(endpoint);
          assert.equal(endpoint.removed, !stays);
          assert.equal(removed.has(endpoint), !stays);
        }
      }
    }),
  );
});

test("counts are never negative, and return to zero, in any order of calls", () => {
  const call = fc.constantFrom(
    "admit",
    "release",
    "start",
    "end",
    "connect",
    "disconnect",
    "pend",
    "unpend",
    "take",
    "done",
    "drop",
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), fc.nat(), (calls, seed) => {
      const { upstream, clock, pick } = createFixture({ endpoints: addresses(3), maxRequests: 5 }, {}, seed);
      const seen = new Set<Endpoint>(upstream.endpoints);
      for (const [index, what] of calls.entries()) {
        const endpoint = pick();
        assert.ok(endpoint);
        seen.add(endpoint);
        if (what === "admit") upstream.admit(clock.now());
        if (what === "release") upstream.release();
        if (what === "start") upstream.started(endpoint);
        if (what === "end") {
          for (const each of seen)
            upstream.ended(each, OUTCOMES[index % OUTCOMES.length] ?? "reset", 1, clock.now());
        }
        if (what === "connect") upstream.limits.tryConnect(endpoint);
        if (what === "disconnect") upstream.limits.disconnected(endpoint);
        if (what === "pend") upstream.limits.tryPend();
        if (what === "unpend") upstream.limits.unpend();
        if (what === "take") upstream.retry.take(false);
        if (what === "done") upstream.retry.done(false);
        if (what === "drop") upstream.update(upstreamConfig({ endpoints: addresses(1 + (index % 3)) }));
        for (const each of seen) assert.ok(each.active >= 0 && each.connections >= 0);
        assert.ok(upstream.active >= 0 && upstream.limits.pending >= 0 && upstream.retry.retrying >= 0);
      }
    }),
  );
});

test("at most maxRequests are in flight; a refused one takes no token of the rate", () => {
  const { upstream, clock } = createFixture({ endpoints: addresses(1), maxRequests: 2, rate: 1, burst: 3 });
  const admit = () => upstream.admit(clock.now());
  assert.deepEqual([admit(), admit(), admit(), admit()], [null, null, "max-requests", "max-requests"]);
  upstream.release();
  assert.equal(admit(), null);
  upstream.release();
  assert.equal(admit(), "rate-limited");
  clock.advance(1000);
  assert.equal(admit(), null);
});

test("connections are limited for each endpoint, waiting requests for all", () => {
  const { upstream, at } = createFixture({ endpoints: addresses(2), maxConnections: 2, maxPending: 1 });
  const { limits } = upstream;
  assert.deepEqual(
    [limits.tryConnect(at(0)), limits.tryConnect(at(0)), limits.tryConnect(at(0))],
    [true, true, false],
  );
  assert.equal(limits.tryConnect(at(1)), true);
  limits.disconnected(at(0));
  assert.equal(limits.tryConnect(at(0)), true);
  assert.deepEqual([limits.tryPend(), limits.tryPend()], [true, false]);
  limits.unpend();
  assert.equal(limits.tryPend(), true);
});

test("limits of 0 limit nothing", () => {
  const { upstream, at, clock } = createFixture({
    endpoints: addresses(1),
    maxConnections: 0,
    maxPending: 0,
    maxRequests: 0,
  });
  for (let i = 0; i < 5000; i++) {
    assert.equal(upstream.admit(clock.now()), null);
    assert.ok(upstream.limits.tryConnect(at(0)) && upstream.limits.tryPend());
  }
});

test("each admitted request, and no refused one, pays its share of a hedge", () => {
  const { upstream, at, attempts, clock } = createFixture({
    endpoints: addresses(2),
    hedge: true,
    hedgeMax: "50%",
    maxRequests: 2,
  });
  attempts(at(0), "success", 200, 20);
  assert.ok(upstream.hedge.delay() >= 20 && upstream.hedge.delay() < 22);
  assert.equal(upstream.hedge.take(), false);
  for (let i = 0; i < 50; i++) upstream.admit(clock.now());
  assert.deepEqual([upstream.hedge.take(), upstream.hedge.take()], [true, false]);
});

test("new limits apply to what is in flight already", () => {
  const { upstream, clock } = createFixture({ endpoints: addresses(1) });
  for (let i = 0; i < 10; i++) upstream.admit(clock.now());
  upstream.update(upstreamConfig({ endpoints: addresses(1), maxRequests: 5 }));
  assert.equal(upstream.admit(clock.now()), "max-requests");
  for (let i = 0; i < 6; i++) upstream.release();
  assert.equal(upstream.admit(clock.now()), null);
});

test("without any endpoint that may serve there is none to pick, and that is explained", () => {
  const drained = createFixture({ endpoints: ["10.0.0.1:80*0"] });
  assert.equal(drained.pick(), null);
  assert.equal(drained.upstream.explainPool(drained.clock.now()), "no endpoint is known");
  const never = createFixture({ endpoints: addresses(2), panicThreshold: 0, ejectMax: "100%" });
  for (const endpoint of never.upstream.endpoints) never.attempts(endpoint, "reset", 5);
  assert.equal(never.pick(), null);
  assert.equal(never.upstream.explainPool(never.clock.now()), "0 of 2 endpoints available");
});

test("panic is told when it begins and when it ends, once", () => {
  const log = recordingLogger();
  const { at, pick, attempts, clock } = createFixture({ endpoints: addresses(3), ejectMax: "100%" }, { log });
  attempts(at(0), "reset", 5);
  pick();
  attempts(at(1), "reset", 5);
  const picked = new Set(Array.from({ length: 100 }, () => pick()));
  assert.equal(picked.size, 3);
  clock.advance(30_000);
  pick();
  const told = log.lines.filter((line) => line.includes("of 3 endpoints available"));
  assert.deepEqual(told, [
    "warn 1 of 3 endpoints available, so all are used (panic)",
    "info 3 of 3 endpoints available: the panic is over",
  ]);
});

for (const balance of ["least-request", "round-robin"] as const) {
  test(`${balance}: a new endpoint in slow start gets a tenth at first, half at half time, its share at the end`, () => {
    const { upstream, clock, shares } = createFixture({
      endpoints: addresses(3),
      slowStart: "100s",
      balance,
    });
    upstream.update(upstreamConfig({ endpoints: addresses(4), slowStart: "100s", balance }));
    const share = (): number => (shares(20_000)["10.0.0.4:80"] ?? 0) / 20_000;
    const due = (ramp: number): number => ramp / (3 + ramp);
    for (const [wait, ramp] of [
      [0, 0.1],
      [50_000, 0.5],
      [50_000, 1],
    ] as const) {
      clock.advance(wait);
      assert.ok(Math.abs(share() - due(ramp)) < 0.01, `ramp ${ramp}: ${share()} for ${due(ramp)}`);
    }
  });
}

test("the first endpoints and those without slowStart get their share at once", () => {
  const { upstream, shares } = createFixture({ endpoints: addresses(3) });
  upstream.update(upstreamConfig({ endpoints: addresses(4) }));
  assert.ok(Math.abs((shares(20_000)["10.0.0.4:80"] ?? 0) / 20_000 - 0.25) < 0.02);
  const first = createFixture({ endpoints: addresses(4), slowStart: "100s" });
  assert.ok(first.upstream.endpoints.every(({ rampSince }) => rampSince === -1));
});

test("the snapshot says of each endpoint its state and why", async () => {
  const { upstream, at, attempts, clock, pick } = createFixture(
    {
      endpoints: ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80*0", "10.0.0.5:80"],
      health: "tcp",
    },
    { probe: async (endpoint) => (endpoint.key === "10.0.0.2:80" ? "connect failed: refused" : null) },
  );
  await upstream.start();
  await clock.advanceAsync(0);
  attempts(at(0), "server-error", 5);
  clock.advance(1000);
  upstream.admit(clock.now());
  upstream.started(at(2));
  const { endpoints, ...whole } = upstream.describe(clock.now());
  assert.deepEqual(
    endpoints.map(({ key, state, why }) => [key.slice(7, 8), state, why]),
    [
      ["1", "ejected", "ejected for 29s more: 5 failures in a row, the last: server-error"],
      ["2", "unhealthy", "health check: connect failed: refused"],
      ["3", "available", null],
      ["4", "drained", "weight 0"],
      ["5", "available", null],
    ],
  );
  assert.equal(endpoints[2]?.active, 1);
  assert.equal(endpoints[0]?.outcomes["server-error"], 5);
  assert.equal(endpoints[0]?.ejectedFor, 29_000);
  assert.deepEqual(whole, {
    name: "test",
    members: 4,
    available: 2,
    panic: false,
    active: 1,
    pending: 0,
    retrying: 0,
    retriesAllowed: 20,
    hedgeDelay: Infinity,
    discovery: { kind: "static", notes: [] },
  });
  clock.advance(29_000);
  pick();
  assert.match(upstream.describe(clock.now()).endpoints[0]?.why ?? "", /back on probation/);
  await upstream.stop();
});

test("metrics show states, outcomes, ejections, retries, hedges and rejections, and forget what has gone", async () => {
  const metrics = createMetrics();
  const input: UpstreamConfigInput = {
    endpoints: addresses(3),
    maxRequests: 1,
    retryReserve: 1,
    maxConnections: 1,
  };
  const { upstream, at, attempts, clock } = createFixture(input, { metrics });
  attempts(at(0), "reset", 5);
  attempts(at(1), "success", 7);
  upstream.admit(clock.now());
  upstream.admit(clock.now());
  upstream.limits.tryConnect(at(1));
  upstream.limits.tryConnect(at(1));
  upstream.retry.take(false);
  upstream.retry.take(false);
  upstream.retry.take(true);
  const shown = async (): Promise<string> => (await metrics.expose()).body;
  const text = await shown();
  for (const line of [
    'outrigger_upstream_endpoints{upstream="test",state="available"} 2',
    'outrigger_upstream_endpoints{upstream="test",state="ejected"} 1',
    'outrigger_upstream_endpoints{upstream="test",state="unhealthy"} 0',
    'outrigger_upstream_endpoint_state{upstream="test",endpoint="10.0.0.1:80"} 1',
    'outrigger_upstream_endpoint_state{upstream="test",endpoint="10.0.0.2:80"} 0',
    'outrigger_upstream_endpoint_requests_total{upstream="test",endpoint="10.0.0.1:80",outcome="reset"} 5',
    'outrigger_upstream_endpoint_requests_total{upstream="test",endpoint="10.0.0.2:80",outcome="success"} 7',
    'outrigger_upstream_ejections_total{upstream="test",endpoint="10.0.0.1:80",reason="consecutive"} 1',
    'outrigger_upstream_active_requests{upstream="test"} 1',
    'outrigger_upstream_panic{upstream="test"} 0',
    'outrigger_upstream_retries_total{upstream="test",cost="charged"} 1',
    'outrigger_upstream_retries_total{upstream="test",cost="free"} 1',
    'outrigger_upstream_retry_budget_exhausted_total{upstream="test"} 1',
    'outrigger_upstream_rejected_total{upstream="test",reason="max-requests"} 1',
    'outrigger_upstream_rejected_total{upstream="test",reason="max-connections"} 1',
    'outrigger_upstream_rejected_total{upstream="test",reason="rate-limited"} 0',
    'outrigger_upstream_hedges_total{upstream="test"} 0',
    'outrigger_upstream_discovery_updates_total{upstream="test"} 1',
    'outrigger_upstream_discovery_errors_total{upstream="test"} 0',
  ]) {
    assert.ok(text.split("\n").includes(line), `missing: ${line}\nin\n${text}`);
  }
  attempts(at(1), "success", 1);
  assert.ok((await shown()).includes('endpoint="10.0.0.2:80",outcome="success"} 8'));
  upstream.update(upstreamConfig({ ...input, endpoints: ["10.0.0.2:80"] }));
  assert.ok(!(await shown()).includes("10.0.0.1:80"));
  await upstream.stop();
  assert.ok(!(await shown()).includes("outrigger_upstream_endpoint_state{"));
});

test("two upstreams of one Metrics keep their series apart", async () => {
  const metrics = createMetrics();
  const one = createFixture({ endpoints: addresses(1) }, { metrics });
  const { Upstream } = await import("./upstream.ts");
  const two = new Upstream("other", upstreamConfig({ endpoints: addresses(2) }), { metrics });
  const { body } = await metrics.expose();
  assert.ok(body.includes('outrigger_upstream_endpoints{upstream="test",state="available"} 1'));
  assert.ok(body.includes('outrigger_upstream_endpoints{upstream="other",state="available"} 2'));
  await Promise.all([one.upstream.stop(), two.stop()]);
});

test("after stop no timer is left, whatever was going on", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1", "10.0.0.2"] });
  resolver.hosts.set("silent", "hangs");
  const { upstream, clock, at, attempts } = createFixture(
    { endpoints: ["catalog:80", "silent:80"], discovery: "dns", health: "tcp", hedge: true, rate: 10 },
    { resolver, probe: () => new Promise((resolve) => setImmediate(resolve, "no")) },
  );
  const ready = upstream.start();
  await clock.advanceAsync(12_000);
  await ready;
  attempts(at(0), "reset", 5);
  assert.ok(clock.pendingTimers > 0);
  await upstream.stop();
  assert.equal(clock.pendingTimers, 0);
  upstream.update(upstreamConfig({ endpoints: ["other:80"], discovery: "dns", health: "tcp" }));
  await upstream.stop();
  await clock.advanceAsync(100_000);
  assert.equal(clock.pendingTimers, 0);
});

test("stop before start, and start after stop, do nothing", async () => {
  const { upstream, clock } = createFixture({ endpoints: ["catalog:80"] }, { resolver: fakeResolver() });
  await upstream.stop();
  await upstream.start();
  assert.equal(clock.pendingTimers, 0);
});

test("one of three endpoints dies under 50 concurrent requests: none fails, and its share of latency ends", async () => {
  const { upstream, at, clock } = createFixture({ endpoints: addresses(3) });
  const dead = at(0);
  const perTry = 1000;
  let failed = 0;
  let timeouts = 0;
  const attempt = async (tried: Endpoint[]): Promise<void> => {
    const endpoint = upstream.pick(clock.now(), tried);
    assert.ok(endpoint);
    upstream.started(endpoint);
    const begun = clock.now();
    await clock.sleep(endpoint === dead ? perTry : 5);
    const good = endpoint !== dead;
    if (!good) timeouts++;
    upstream.ended(endpoint, good ? "success" : "timeout", clock.now() - begun, clock.now());
    if (good) return;
    if (tried.length >= upstream.retry.maxRetries || !upstream.retry.take(false)) {
      failed++;
      return;
    }
    await attempt([...tried, endpoint]);
    upstream.retry.done(false);
  };
  const end = clock.now() + 100_000;
  const caller = async (): Promise<void> => {
    while (clock.now() < end) {
      assert.equal(upstream.admit(clock.now()), null);
      await attempt([]);
      upstream.release();
      await clock.sleep(100);
    }
  };
  const callers = Promise.all(Array.from({ length: 50 }, caller));
  await clock.advanceAsync(110_000);
  await callers;
  assert.equal(failed, 0);
  // At most all callers wait for it once; each of its two returns costs one attempt.
  assert.ok(timeouts <= 50 + 3, `${timeouts} timeouts`);
  assert.equal(upstream.active, 0);
  assert.ok(upstream.endpoints.every(({ active }) => active === 0));
});
