/** An upstream on a virtual clock with seeded randomness, and endpoints by short names; for tests. */
import { seededRandom, VirtualClock } from "@outrigger/core/testing";
import assert from "node:assert/strict";
import { upstreamConfig, type UpstreamConfigInput } from "../config.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Outcome } from "../endpoint/outcome.ts";
import { Upstream, type UpstreamDeps } from "../upstream.ts";

/** `n` endpoints 10.0.0.1:80 ... */
export function addresses(n: number): string[] {
  return Array.from({ length: n }, (_, index) => `10.0.0.${index + 1}:80`);
}

export function createFixture(input: UpstreamConfigInput, deps: Partial<UpstreamDeps> = {}, seed = 1) {
  // Not 0: a time of 0 is also "not ejected", and code that mixes them up must show.
  const clock = new VirtualClock(5000);
  const upstream = new Upstream("test", upstreamConfig(input), {
    clock,
    random: seededRandom(seed),
    ...deps,
  });
  const pick = (avoid: readonly Endpoint[] = []): Endpoint | null => upstream.pick(clock.now(), avoid);
  return {
    clock,
    upstream,
    pick,
    at(index: number): Endpoint {
      const endpoint = upstream.endpoints[index];
      assert.ok(endpoint, `endpoint ${index}`);
      return endpoint;
    },
    /** Attempts on one endpoint, one after the other. */
    attempts(endpoint: Endpoint, outcome: Outcome, times = 1, latency = 1): void {
      for (let i = 0; i < times; i++) {
        upstream.started(endpoint);
        upstream.ended(endpoint, outcome, latency, clock.now());
      }
    },
    /** How often each endpoint is picked in `picks` picks without anything in flight. */
    shares(picks: number): Record<string, number> {
      const counts: Record<string, number> = {};
      for (let i = 0; i < picks; i++) {
        const key = pick()?.key ?? "none";
        counts[key] = (counts[key] ?? 0) + 1;
      }
      return counts;
    },
  };
}
