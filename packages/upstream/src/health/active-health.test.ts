import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamConfig, type UpstreamConfigInput } from "../config.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { addresses, createFixture } from "../testing/upstream-fixture.ts";
import { INCONCLUSIVE, type Probe } from "./probe.ts";

interface Check {
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
  readonly at: number;
  answer(reason: string | null): void;
}

/** Two endpoints with a health check that the test answers; `results` answers by itself, by key. */
async function checked(input: UpstreamConfigInput = {}, results: Map<string, string | null> | null = null) {
  const checks: Check[] = [];
  const probe: Probe = (endpoint, _, signal) =>
    new Promise((resolve) => {
      checks.push({ endpoint, signal, at: fixture.clock.now(), answer: resolve });
      signal.addEventListener("abort", () => resolve("aborted"));
      const result = results?.get(endpoint.key);
      if (result !== undefined) resolve(result);
    });
  const fixture = createFixture(
    { endpoints: addresses(2), health: "tcp", ...input },
    { probe, random: () => 0.5 },
  );
  await fixture.upstream.start();
  await fixture.clock.advanceAsync(0);
  return { ...fixture, checks, results: results ?? new Map<string, string | null>() };
}

const allPass = () =>
  new Map<string, string | null>([
    ["10.0.0.1:80", null],
    ["10.0.0.2:80", null],
  ]);

test("without a health check nothing is checked", async () => {
  const { checks, clock } = await checked({ health: "off" });
  await clock.advanceAsync(60_000);
  assert.equal(checks.length, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("each endpoint is checked at once and then every interval", async () => {
  const { checks, clock } = await checked({}, allPass());
  assert.equal(checks.length, 2);
  await clock.advanceAsync(4999);
  assert.equal(checks.length, 2);
  await clock.advanceAsync(1);
  assert.equal(checks.length, 4);
});

test("intervals are spread by a tenth", async () => {
  for (const [random, interval] of [
    [0, 4500],
    [0.999_999, 5500],
  ] as const) {
    const probe: Probe = async () => (times.push(clock.now()), null);
    const times: number[] = [];
    const { upstream, clock } = createFixture(
      { endpoints: addresses(1), health: "tcp" },
      { probe, random: () => random },
    );
    await upstream.start();
    await clock.advanceAsync(6000);
    assert.ok(Math.abs((times[1] as number) - (times[0] as number) - interval) < 1, String(times));
  }
});

test("the first check counts alone if it fails; then three failures in a row are needed", async () => {
  const { at, clock, results, pick } = await checked({}, allPass().set("10.0.0.1:80", "refused"));
  assert.equal(at(0).healthy, false);
  assert.equal(at(0).healthReason, "refused");
  for (let i = 0; i < 20; i++) assert.equal(pick(), at(1));
  results.set("10.0.0.2:80", "status 503");
  await clock.advanceAsync(10_000);
  assert.equal(at(1).healthy, true);
  await clock.advanceAsync(5000);
  assert.equal(at(1).healthy, false);
});

test("a pass between failures starts their count anew", async () => {
  const { at, clock, results } = await checked({}, allPass());
  for (const result of ["x", "x", null, "x", "x"]) {
    results.set("10.0.0.1:80", result);
    await clock.advanceAsync(5000);
  }
  assert.equal(at(0).healthy, true);
});

test("two passes in a row make it healthy again", async () => {
  const { at, clock, results } = await checked({}, allPass().set("10.0.0.1:80", "refused"));
  for (const [result, healthy] of [
    [null, false],
    ["x", false],
    [null, false],
    [null, true],
  ] as const) {
    results.set("10.0.0.1:80", result);
    await clock.advanceAsync(5000);
    assert.equal(at(0).healthy, healthy);
  }
  assert.equal(at(0).healthReason, null);
});

test("a check that takes longer than its timeout has failed, is ended, and its late answer does not count", async () => {
  const { at, checks, clock } = await checked();
  await clock.advanceAsync(999);
  assert.equal(at(0).healthy, true);
  await clock.advanceAsync(1);
  assert.equal(at(0).healthy, false);
  assert.match(at(0).healthReason ?? "", /no answer within 1000 ms/);
  assert.equal(checks[0]?.signal.aborted, true);
  checks[0]?.answer(null);
  await clock.advanceAsync(0);
  assert.equal(at(0).healthy, false);
  await clock.advanceAsync(5000);
  assert.equal(
    checks.filter(({ endpoint }) => endpoint === at(0)).length,
    2,
    "the interval counts from the timeout",
  );
});

test("a probe that throws is a failed check, not the end of checks", async () => {
  let calls = 0;
  const probe: Probe = async () => {
    calls++;
    throw new Error("no certificate");
  };
  const { upstream, at, clock } = createFixture({ endpoints: addresses(1), health: "tcp" }, { probe });
  await upstream.start();
  await clock.advanceAsync(20_000);
  assert.match(at(0).healthReason ?? "", /the check broke: Error: no certificate/);
  assert.ok(calls >= 3);
});

test("a passed check does not end an ejection", async () => {
  const { at, attempts, clock } = await checked({}, allPass());
  attempts(at(0), "timeout", 5);
  await clock.advanceAsync(25_000);
  assert.notEqual(at(0).ejectedUntil, 0);
});

test("a reload that switches checks off makes all healthy; switched on, they begin at once", async () => {
  const { upstream, at, clock, checks } = await checked({}, allPass().set("10.0.0.1:80", "refused"));
  upstream.update(upstreamConfig({ endpoints: addresses(2) }));
  assert.equal(at(0).healthy, true);
  const before = checks.length;
  await clock.advanceAsync(60_000);
  assert.equal(checks.length, before);
  upstream.update(upstreamConfig({ endpoints: addresses(2), health: "tcp" }));
  await clock.advanceAsync(0);
  assert.equal(checks.length, before + 2);
  assert.equal(at(0).healthy, false);
});

test("an endpoint that is dropped is no longer checked, one that is new is checked at once", async () => {
  const { upstream, clock, checks } = await checked({}, allPass().set("10.0.0.3:80", "refused"));
  upstream.update(upstreamConfig({ endpoints: ["10.0.0.2:80", "10.0.0.3:80"], health: "tcp" }));
  await clock.advanceAsync(0);
  assert.equal(checks.at(-1)?.endpoint.key, "10.0.0.3:80");
  const before = checks.length;
  await clock.advanceAsync(60_000);
  assert.ok(checks.slice(before).every(({ endpoint }) => endpoint.key !== "10.0.0.1:80"));
});

test("stop ends the check under way and leaves no timer", async () => {
  const { upstream, clock, checks, at } = await checked();
  await upstream.stop();
  assert.equal(clock.pendingTimers, 0);
  assert.ok(checks.every(({ signal }) => signal.aborted));
  assert.equal(at(0).healthy, true, "what we ended ourselves is no failure");
  await clock.advanceAsync(60_000);
  assert.equal(checks.length, 2);
});

test("a check that could not be made for want of a socket says nothing about the endpoint", async () => {
  const clockless: string[] = [];
  const probe: Probe = async (endpoint) => {
    clockless.push(endpoint.key);
    return INCONCLUSIVE;
  };
  const { upstream, clock } = createFixture(
    { endpoints: addresses(2), health: "tcp" },
    { probe, random: () => 0.5 },
  );
  await upstream.start();
  await clock.advanceAsync(60_000);
  assert.ok(clockless.length > 20, "it is not checked again");
  assert.ok(upstream.endpoints.every(({ healthy }) => healthy));
  await upstream.stop();
});
