import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { seededRandom } from "@outrigger/core/testing";
import { addresses, createFixture } from "../testing/upstream-fixture.ts";

test("idle, equal endpoints get equal shares", () => {
  const { shares } = createFixture({ endpoints: addresses(5) });
  for (const count of Object.values(shares(50_000))) assert.ok(Math.abs(count - 10_000) < 400, String(count));
});

test("idle, weights are met", () => {
  const { shares } = createFixture({ endpoints: ["10.0.0.1:80*5", "10.0.0.2:80*3", "10.0.0.3:80*2"] });
  const counts = shares(50_000);
  for (const [key, share] of [
    ["10.0.0.1:80", 0.5],
    ["10.0.0.2:80", 0.3],
    ["10.0.0.3:80", 0.2],
  ] as const) {
    assert.ok(Math.abs((counts[key] ?? 0) / 50_000 - share) < 0.01, `${key} ${counts[key]}`);
  }
});

test("of two endpoints the less busy one is taken, each time", () => {
  const { pick, at } = createFixture({ endpoints: addresses(2) });
  at(0).active = 3;
  at(1).active = 2;
  for (let i = 0; i < 100; i++) assert.equal(pick(), at(1));
});

test("busy is relative to weight", () => {
  const { pick, at } = createFixture({ endpoints: ["10.0.0.1:80*4", "10.0.0.2:80*1"] });
  at(0).active = 4;
  at(1).active = 2;
  let heavy = 0;
  for (let i = 0; i < 1000; i++) if (pick() === at(0)) heavy++;
  // Only two draws of the light one (1 in 25) go past the heavy one.
  assert.ok(heavy > 930 && heavy < 990, String(heavy));
});

test("the busiest of many is never taken while another is less busy: both draws are different endpoints", () => {
  const { pick, at } = createFixture({ endpoints: addresses(5) });
  at(2).active = 1;
  for (let i = 0; i < 2000; i++) assert.notEqual(pick(), at(2));
});

/** Requests of a fixed concurrency, each endpoint with its own latency; returns the requests each one served. */
function serve(
  latencies: readonly number[],
  endpoints: string[],
  concurrency: number,
  requests: number,
): number[] {
  const { upstream, clock, pick } = createFixture({ endpoints });
  const random = seededRandom(3);
  const ends: { at: number; endpoint: Endpoint }[] = [];
  const served = latencies.map(() => 0);
  for (let request = 0; request < requests; request++) {
    if (ends.length >= concurrency) {
      ends.sort((a, b) => b.at - a.at);
      const { at, endpoint } = ends.pop() as { at: number; endpoint: Endpoint };
      clock.advance(Math.max(0, at - clock.now()));
      upstream.ended(endpoint, "success", 1, clock.now());
    }
    const endpoint = pick();
    assert.ok(endpoint);
    upstream.started(endpoint);
    const index = upstream.endpoints.indexOf(endpoint);
    served[index] = (served[index] as number) + 1;
    ends.push({ at: clock.now() + (latencies[index] as number) * (0.5 + random()), endpoint });
  }
  return served;
}

test("under load with equal latencies, weights are met within a tenth", () => {
  const served = serve([10, 10, 10], ["10.0.0.1:80*3", "10.0.0.2:80*2", "10.0.0.3:80*1"], 30, 30_000);
  for (const [index, share] of [1 / 2, 1 / 3, 1 / 6].entries()) {
    const got = (served[index] as number) / 30_000;
    assert.ok(Math.abs(got / share - 1) < 0.1, `endpoint ${index}: ${got} for ${share}`);
  }
});

test("a slow endpoint sheds its load by itself", () => {
  const served = serve([10, 10, 100], addresses(3), 30, 30_000);
  assert.ok((served[2] as number) < 0.15 * 30_000, String(served));
  assert.ok((served[2] as number) > 0.02 * 30_000, String(served));
});

test("a retry goes to the least busy endpoint that was not tried, ties fairly", () => {
  const { pick, at } = createFixture({ endpoints: addresses(4) });
  at(1).active = 5;
  const seen = new Map<Endpoint | null, number>();
  for (let i = 0; i < 3000; i++) {
    const endpoint = pick([at(0)]);
    seen.set(endpoint, (seen.get(endpoint) ?? 0) + 1);
  }
  assert.deepEqual(new Set(seen.keys()), new Set([at(2), at(3)]));
  for (const count of seen.values()) assert.ok(Math.abs(count - 1500) < 150, String(count));
});

test("an endpoint that was tried is taken again if all were tried", () => {
  const { pick, upstream } = createFixture({ endpoints: addresses(3) });
  assert.ok(pick(upstream.endpoints));
});
