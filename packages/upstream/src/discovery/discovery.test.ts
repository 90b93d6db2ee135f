import { createMetrics } from "@outrigger/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamConfig, type UpstreamConfigInput } from "../config.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { fakeResolver, type FakeResolver } from "../testing/fake-resolver.ts";
import { recordingLogger } from "../testing/recording-logger.ts";
import { createFixture } from "../testing/upstream-fixture.ts";

/** An upstream whose names are answered by a table, started. Its randomness is 0: no jitter upwards. */
async function started(input: UpstreamConfigInput, resolver: FakeResolver) {
  const log = recordingLogger();
  const metrics = createMetrics();
  const fixture = createFixture(input, { resolver, log, metrics, random: () => 0 });
  const ready = fixture.upstream.start();
  await fixture.clock.advanceAsync(0);
  const keys = (): string[] => fixture.upstream.endpoints.map(({ key }) => key);
  const count = (what: string): number =>
    metrics.counter(`outrigger_upstream_discovery_${what}_total`, "", ["upstream"]).with({ upstream: "test" })
      .value;
  const notes = (): readonly string[] => fixture.upstream.describe(fixture.clock.now()).discovery.notes;
  return { ...fixture, ready, log, keys, count, notes };
}

test("IP addresses and localhost need no resolver, and are there before start", () => {
  const resolver = fakeResolver();
  const { upstream } = createFixture(
    { endpoints: ["10.0.0.1:80", "[::1]:81*2", "localhost:82"] },
    { resolver },
  );
  assert.deepEqual(
    upstream.endpoints.map(({ key, host, port, weight }) => [key, host, port, weight]),
    [
      ["10.0.0.1:80", "10.0.0.1", 80, 1],
      ["[::1]:81", "::1", 81, 2],
      ["localhost:82", "localhost", 82, 1],
    ],
  );
  assert.deepEqual(resolver.questions, []);
});

test("a static name is one endpoint, dialled at one address, which it keeps while the name has it", async () => {
  const resolver = fakeResolver({ r0: ["10.0.0.2", "10.0.0.3"] });
  const { ready, upstream, keys, clock, at } = await started({ endpoints: ["r0:6379*2"] }, resolver);
  await ready;
  const endpoint = at(0);
  assert.deepEqual(
    [endpoint.key, endpoint.name, endpoint.host, endpoint.weight],
    ["r0:6379", "r0", "10.0.0.2", 2],
  );
  resolver.hosts.set("r0", { v4: ["10.0.0.1", "10.0.0.2"] });
  await clock.advanceAsync(30_000);
  assert.equal(endpoint.host, "10.0.0.2");
  resolver.hosts.set("r0", { v4: ["10.0.0.1"] });
  await clock.advanceAsync(30_000);
  assert.equal(endpoint.host, "10.0.0.1");
  assert.equal(upstream.endpoints[0], endpoint);
  assert.deepEqual(keys(), ["r0:6379"]);
});

test("dns makes each address an endpoint that knows the name; those that stay are the same objects", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1", "10.0.0.2"] });
  const { upstream, keys, clock, at } = await started(
    { endpoints: ["catalog:80*3"], discovery: "dns" },
    resolver,
  );
  assert.deepEqual(keys(), ["10.0.0.1:80", "10.0.0.2:80"]);
  assert.deepEqual([at(0).name, at(0).weight], ["catalog", 3]);
  const removed: Endpoint[] = [];
  upstream.onRemoved((endpoint) => removed.push(endpoint));
  const [gone, stays] = [at(0), at(1)];
  stays.active = 7;
  resolver.hosts.set("catalog", { v4: ["10.0.0.2", "10.0.0.3"] });
  await clock.advanceAsync(30_000);
  assert.deepEqual(keys(), ["10.0.0.2:80", "10.0.0.3:80"]);
  assert.equal(at(0), stays);
  assert.equal(stays.active, 7);
  assert.deepEqual(removed, [gone]);
  assert.equal(gone.removed, true);
});

test("a name is asked again when its TTL is over, within dnsMinTtl and dnsMaxTtl", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { clock } = await started({ endpoints: ["catalog:80"], dnsMinTtl: "2s", dnsMaxTtl: "60s" }, resolver);
  for (const [ttl, after] of [
    [30_000, 30_000],
    [0, 30_000],
    [3_600_000, 2000],
    [10_000, 60_000],
  ] as const) {
    resolver.hosts.set("catalog", { v4: ["10.0.0.1"], ttl });
    const before = resolver.questions.length;
    await clock.advanceAsync(after - 1);
    assert.equal(resolver.questions.length, before, `TTL before ${ttl}: too early`);
    await clock.advanceAsync(1);
    assert.equal(resolver.questions.length, before + 1, `TTL before ${ttl}: not asked`);
  }
});

test("a failed answer keeps what is known, is asked again with pauses that double, and is told once", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { keys, clock, log, count, notes } = await started(
    { endpoints: ["catalog:80"], discovery: "dns" },
    resolver,
  );
  resolver.hosts.set("catalog", "fails");
  await clock.advanceAsync(30_000);
  const times: number[] = [];
  const from = resolver.questions.length;
  for (let second = 0; second < 100; second++) {
    if (resolver.questions.length > from + times.length) times.push(second);
    await clock.advanceAsync(500);
  }
  // Randomness 0: half of 1, 2, 4, 8, 16, 30, 30 seconds, counted in half seconds.
  assert.deepEqual(times, [1, 3, 7, 15, 31, 61, 91]);
  assert.deepEqual(keys(), ["10.0.0.1:80"]);
  assert.equal(log.lines.filter((line) => line.startsWith("warn")).length, 1);
  assert.match(
    log.lines.find((line) => line.startsWith("warn")) ?? "",
    /catalog failed, what was known is kept/,
  );
  assert.equal(count("errors"), 8);
  assert.match(notes().join(), /catalog: catalog A: no answer from 10\.96\.0\.10; what was known is kept/);
  resolver.hosts.set("catalog", { v4: ["10.0.0.2"] });
  await clock.advanceAsync(30_000);
  assert.deepEqual(keys(), ["10.0.0.2:80"]);
  assert.ok(log.lines.includes("info discovery of catalog works again"));
  assert.ok(!notes().join().includes("no answer"));
});

test("an unknown name does not empty a good set either", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { keys, clock } = await started({ endpoints: ["catalog:80"], discovery: "dns" }, resolver);
  resolver.hosts.delete("catalog");
  await clock.advanceAsync(300_000);
  assert.deepEqual(keys(), ["10.0.0.1:80"]);
});

test("one family's silence keeps what is known of it", async () => {
  const resolver = fakeResolver();
  resolver.hosts.set("catalog", { v4: ["10.0.0.1"], v6: ["fd00::1"] });
  const { keys, clock } = await started(
    { endpoints: ["catalog:80"], discovery: "dns", dnsFamily: "both" },
    resolver,
  );
  assert.deepEqual(keys(), ["10.0.0.1:80", "[fd00::1]:80"]);
  resolver.hosts.set("catalog", { v4: ["10.0.0.2"], v6: null, error: "catalog AAAA: no answer" });
  await clock.advanceAsync(30_000);
  assert.deepEqual(keys(), ["10.0.0.2:80", "[fd00::1]:80"]);
});

const families: Record<string, readonly string[]> = {
  auto: ["10.0.0.1:80"],
  "4": ["10.0.0.1:80"],
  "6": ["[fd00::1]:80"],
  both: ["10.0.0.1:80", "[fd00::1]:80"],
};
for (const [dnsFamily, expected] of Object.entries(families)) {
  test(`dnsFamily ${dnsFamily} takes ${expected.join(" and ")} of a name with both`, async () => {
    const resolver = fakeResolver();
    resolver.hosts.set("catalog", { v4: ["10.0.0.1"], v6: ["fd00::1"] });
    const { keys } = await started({ endpoints: ["catalog:80"], discovery: "dns", dnsFamily }, resolver);
    assert.deepEqual(keys(), expected);
  });
}

test("auto takes IPv6 of a name that has nothing else", async () => {
  const resolver = fakeResolver();
  resolver.hosts.set("catalog", { v6: ["fd00::1"] });
  const { keys } = await started({ endpoints: ["catalog:80"], discovery: "dns" }, resolver);
  assert.deepEqual(keys(), ["[fd00::1]:80"]);
});

test("start waits for the first answer, but not longer than discoveryTimeout, and does not throw", async () => {
  const resolver = fakeResolver({ known: ["10.0.0.1"] });
  resolver.hosts.set("silent", "hangs");
  const { ready, keys, clock, pick } = await started({ endpoints: ["known:80", "silent:80"] }, resolver);
  let over = false;
  void ready.then(() => (over = true));
  await clock.advanceAsync(4999);
  assert.equal(over, false);
  assert.deepEqual(keys(), ["known:80"], "what is known serves already");
  assert.ok(pick());
  await clock.advanceAsync(1);
  assert.equal(over, true);
});

test("start ends at once when every name has failed", async () => {
  const { ready, pick, log } = await started({ endpoints: ["nowhere:80"] }, fakeResolver());
  await ready;
  assert.equal(pick(), null);
  assert.match(log.lines.join(), /discovery of nowhere failed, it has no endpoint yet/);
});

test("a reload keeps the old endpoints until the new names are known", async () => {
  const resolver = fakeResolver({ old: ["10.0.0.1"], new: ["10.0.0.2"] });
  const { upstream, keys, clock } = await started({ endpoints: ["old:80"], discovery: "dns" }, resolver);
  resolver.hosts.set("slow", "hangs");
  upstream.update(upstreamConfig({ endpoints: ["new:80", "slow:80"], discovery: "dns" }));
  await clock.advanceAsync(1000);
  assert.deepEqual(keys(), ["10.0.0.1:80"]);
  upstream.update(upstreamConfig({ endpoints: ["new:80"], discovery: "dns" }));
  await clock.advanceAsync(0);
  assert.deepEqual(keys(), ["10.0.0.2:80"]);
});

test("a reload to names that nobody knows keeps the old endpoints and says so", async () => {
  const resolver = fakeResolver({ old: ["10.0.0.1"] });
  const { upstream, keys, clock, notes } = await started(
    { endpoints: ["old:80"], discovery: "dns" },
    resolver,
  );
  upstream.update(upstreamConfig({ endpoints: ["typo:80"], discovery: "dns" }));
  await clock.advanceAsync(1000);
  assert.deepEqual(keys(), ["10.0.0.1:80"]);
  assert.match(notes().join("\n"), /no name has an address now; the endpoints known before are kept/);
});

test("a name with one address is noted where each request should be balanced", async () => {
  const resolver = fakeResolver({ catalog: ["10.96.3.4"] });
  const { notes } = await started({ endpoints: ["catalog:80"], discovery: "dns" }, resolver);
  assert.match(notes().join(), /catalog has one address: if that is a Service's cluster IP/);
});

const SERVICE = "_http._tcp.catalog";
const record = (target: string, port: number, priority = 0, weight = 1) => ({
  target,
  port,
  priority,
  weight,
});

test("srv makes each address of each target an endpoint with the record's port, weight and priority", async () => {
  const resolver = fakeResolver({ "one.test.": ["10.0.0.1", "10.0.0.2"], "two.test.": ["10.0.0.3"] });
  resolver.records.set(SERVICE, [record("two.test", 81, 2, 0), record("one.test", 80, 1, 5)]);
  const { upstream } = await started({ endpoints: [SERVICE], discovery: "srv" }, resolver);
  assert.deepEqual(
    upstream.endpoints.map(({ key, name, weight, priority }) => [key, name, weight, priority]),
    [
      ["10.0.0.1:80", "one.test", 5, 1],
      ["10.0.0.2:80", "one.test", 5, 1],
      ["10.0.0.3:81", "two.test", 1, 2],
    ],
  );
});

test("the next priority of srv serves only when the one before it cannot", async () => {
  const resolver = fakeResolver({ "one.test.": ["10.0.0.1", "10.0.0.2"], "two.test.": ["10.0.0.3"] });
  resolver.records.set(SERVICE, [record("one.test", 80, 1), record("two.test", 80, 2)]);
  const { pick, at, attempts } = await started(
    { endpoints: [SERVICE], discovery: "srv", ejectMax: "100%" },
    resolver,
  );
  for (let i = 0; i < 50; i++) assert.notEqual(pick(), at(2));
  attempts(at(0), "reset", 5);
  attempts(at(1), "reset", 5);
  for (let i = 0; i < 50; i++) assert.equal(pick(), at(2));
});

test('the target "." says that the service is not available: what is known is kept', async () => {
  const resolver = fakeResolver({ "one.test.": ["10.0.0.1"] });
  resolver.records.set(SERVICE, [record("one.test", 80)]);
  const { keys, clock, notes } = await started({ endpoints: [SERVICE], discovery: "srv" }, resolver);
  resolver.records.set(SERVICE, [record(".", 0)]);
  await clock.advanceAsync(30_000);
  assert.deepEqual(keys(), ["10.0.0.1:80"]);
  assert.match(notes().join(), /not available here \(target "\."\)/);
});

test("a target of srv whose address cannot be had keeps the one known of it", async () => {
  const resolver = fakeResolver({ "one.test.": ["10.0.0.1"], "two.test.": ["10.0.0.2"] });
  resolver.records.set(SERVICE, [record("one.test", 80), record("two.test", 80)]);
  const { keys, clock } = await started({ endpoints: [SERVICE], discovery: "srv" }, resolver);
  resolver.hosts.set("two.test.", "fails");
  resolver.hosts.set("one.test.", { v4: ["10.0.0.9"] });
  await clock.advanceAsync(30_000);
  assert.deepEqual(keys(), ["10.0.0.9:80", "10.0.0.2:80"]);
});

test("the same address listed twice is one endpoint", () => {
  const { upstream } = createFixture({ endpoints: ["10.0.0.1:80", "10.0.0.1:80*5", "10.0.0.2:80"] });
  assert.equal(upstream.endpoints.length, 2);
});

test("after stop no timer is left, the resolver is closed, and a late answer changes nothing", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  resolver.hosts.set("silent", "hangs");
  const { upstream, ready, clock, keys } = await started(
    { endpoints: ["catalog:80", "silent:80"] },
    resolver,
  );
  assert.ok(clock.pendingTimers > 0);
  await upstream.stop();
  await ready;
  assert.equal(clock.pendingTimers, 0);
  assert.equal(resolver.closed, true);
  await clock.advanceAsync(100_000);
  assert.deepEqual(keys(), ["catalog:80"]);
  assert.equal(clock.pendingTimers, 0);
});

test("an answer that comes after stop, or after a newer question, changes nothing", async () => {
  const answers: ((addresses: string) => void)[] = [];
  const resolver = fakeResolver();
  resolver.addresses = () =>
    new Promise((resolve) => {
      answers.push((address) => resolve({ v4: [address], v6: [], ttl: 30_000, error: null }));
    });
  const { upstream, keys, clock } = await started({ endpoints: ["catalog:80"], discovery: "dns" }, resolver);
  // Another family asks anew while the first question is under way.
  upstream.update(upstreamConfig({ endpoints: ["catalog:80"], discovery: "dns", dnsFamily: "4" }));
  answers[1]?.("10.0.0.2");
  await clock.advanceAsync(0);
  answers[0]?.("10.0.0.1");
  await clock.advanceAsync(0);
  assert.deepEqual(keys(), ["10.0.0.2:80"]);
  await clock.advanceAsync(30_000);
  assert.equal(answers.length, 3);
  await upstream.stop();
  answers[2]?.("10.0.0.3");
  await clock.advanceAsync(0);
  assert.deepEqual(keys(), ["10.0.0.2:80"]);
  assert.equal(clock.pendingTimers, 0);
});

test("where an address refuses connections its name is asked again at once, but not within dnsMinTtl of the last time", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { keys, clock, at, attempts } = await started(
    { endpoints: ["catalog:80"], discovery: "dns", dnsMinTtl: "2s" },
    resolver,
  );
  const asked = (): number => resolver.questions.length;
  assert.equal(asked(), 1);
  await clock.advanceAsync(500);
  resolver.hosts.set("catalog", { v4: ["10.0.0.2"] });
  for (let time = 0; time < 15; time++) {
    attempts(at(0), "connect-failure");
    await clock.advanceAsync(100);
    assert.equal(asked(), time < 14 ? 1 : 2, `after ${time}`);
  }
  assert.deepEqual(keys(), ["10.0.0.2:80"]);
  await clock.advanceAsync(5_000);
  const before = asked();
  for (const outcome of ["success", "server-error", "reset", "timeout", "cancelled"] as const) {
    attempts(at(0), outcome);
    await clock.advanceAsync(0);
    assert.equal(asked(), before, outcome);
  }
  attempts(at(0), "connect-failure");
  await clock.advanceAsync(0);
  assert.equal(asked(), before + 1);
  await clock.advanceAsync(29_000);
  assert.equal(asked(), before + 1, "its TTL counts from then");
});

test("while a name has no answer, refused connections do not make it be asked more often", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { clock, at, attempts } = await started({ endpoints: ["catalog:80"], discovery: "dns" }, resolver);
  resolver.hosts.delete("catalog");
  await clock.advanceAsync(30_000);
  const failing = resolver.questions.length;
  for (let time = 0; time < 100; time++) {
    attempts(at(0), "connect-failure");
    await clock.advanceAsync(100);
  }
  // Pauses of 0.5, 1, 2, 4 s and so on, as without them.
  assert.ok(
    resolver.questions.length - failing <= 5,
    `${resolver.questions.length - failing} questions in 10 s`,
  );
});

test("doubts that bring the same answer come half as often each time, until it is another", async () => {
  const resolver = fakeResolver({ catalog: ["10.0.0.1"] });
  const { clock, at, keys, attempts } = await started(
    { endpoints: ["catalog:80"], discovery: "dns" },
    resolver,
  );
  const asked: number[] = [];
  for (let time = 0; time < 29_000; time += 100) {
    const before = resolver.questions.length;
    attempts(at(0), "connect-failure");
    await clock.advanceAsync(100);
    if (resolver.questions.length > before) asked.push(Math.round(time / 1_000));
  }
  assert.deepEqual(asked, [1, 3, 7, 15]);
  resolver.hosts.set("catalog", { v4: ["10.0.0.2"] });
  for (let time = 0; keys()[0] !== "10.0.0.2:80"; time += 100) {
    assert.ok(time < 31_000, "its TTL is no longer than that");
    attempts(at(0), "connect-failure");
    await clock.advanceAsync(100);
  }
  const before = resolver.questions.length;
  await clock.advanceAsync(1_000);
  attempts(at(0), "connect-failure");
  await clock.advanceAsync(0);
  assert.equal(resolver.questions.length, before + 1, "from the beginning");
});
