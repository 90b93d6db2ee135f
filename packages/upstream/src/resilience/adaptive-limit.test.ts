import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { upstreamConfig } from "../config.ts";
import { createFixture } from "../testing/upstream-fixture.ts";
import { seededRandom } from "@outrigger/core/testing";
import { AdaptiveLimit } from "./adaptive-limit.ts";

const SETTINGS = { adaptiveMin: 2, adaptiveTolerance: 1.5, maxConnections: 1024 };

/** An endpoint that does `width` requests at once in `service` ms each; more share it, so that all take longer. */
interface Endpoint {
  width: number;
  service: number;
}

/** Callers who ask again as soon as they are answered, and wait while the limit is reached; on a virtual time. */
class Load {
  readonly limit: AdaptiveLimit;
  callers: number;
  now = 0;
  readonly #endpoint: Endpoint;
  readonly #random = seededRandom(7);
  /** When each request in flight ends, and how long it will have taken. */
  #inFlight: { ends: number; latency: number }[] = [];
  #done = 0;
  #latencies = 0;

  constructor(endpoint: Endpoint, callers: number, settings = SETTINGS) {
    this.#endpoint = endpoint;
    this.callers = callers;
    this.limit = new AdaptiveLimit(settings, 0);
  }

  /** Lets it go on for so long. Returns what it was like: answers a second, mean latency, least and greatest limit. */
  run(span: number) {
    const until = this.now + span;
    this.#done = this.#latencies = 0;
    let [least, greatest] = [Infinity, 0];
    for (;;) {
      while (this.#inFlight.length < Math.min(this.limit.limit, this.callers)) this.#start();
      let first = 0;
      for (const [index, { ends }] of this.#inFlight.entries())
        if (ends < (this.#inFlight[first] as { ends: number }).ends) first = index;
      const next = this.#inFlight[first] as { ends: number; latency: number };
      if (next.ends > until) break;
      this.now = next.ends;
      this.limit.observe("success", next.latency, this.#inFlight.length, this.now);
      this.#inFlight.splice(first, 1);
      this.#done++;
      this.#latencies += next.latency;
      least = Math.min(least, this.limit.limit);
      greatest = Math.max(greatest, this.limit.limit);
    }
    this.now = until;
    return { perSecond: (this.#done * 1000) / span, latency: this.#latencies / this.#done, least, greatest };
  }

  #start(): void {
    const { width, service } = this.#endpoint;
    const crowding = Math.max(1, (this.#inFlight.length + 1) / width);
    // Exponential service times, as an M/M queue has them: noisy on purpose.
    const latency = service * crowding * (0.5 - 0.5 * Math.log(1 - this.#random()));
    this.#inFlight.push({ ends: this.now + latency, latency });
  }
}

describe("an adaptive limit", () => {
  for (const width of [1, 4, 20, 100]) {
    it(`finds the knee of an endpoint that does ${width} at once, and stays near it under any load`, () => {
      const load = new Load({ width, service: 50 }, 2000);
      load.run(60_000);
      const { perSecond, latency, greatest } = load.run(120_000);
      assert.ok(perSecond > 0.85 * width * 20, `${perSecond} a second of ${width * 20}`);
      assert.ok(latency < (2 + 6 / width) * 50, `${latency} ms`);
      assert.ok(greatest < 2.5 * width + 8, `${greatest} at once`);
    });
  }

  it("does not creep up while overload goes on", () => {
    const load = new Load({ width: 20, service: 50 }, 500);
    load.run(60_000);
    const early = load.run(300_000);
    load.run(3_600_000);
    const late = load.run(300_000);
    assert.ok(Math.abs(late.latency / early.latency - 1) < 0.15, `${early.latency} ms, then ${late.latency}`);
  });

  it("follows an endpoint that can do less, and then more again", () => {
    const endpoint = { width: 50, service: 50 };
    const load = new Load(endpoint, 500);
    load.run(120_000);
    endpoint.width = 10;
    load.run(10_000);
    assert.ok(load.run(60_000).greatest < 35);
    endpoint.width = 50;
    load.run(60_000);
    assert.ok(load.run(60_000).perSecond > 0.85 * 1000);
  });

  it("takes an endpoint that has become slower as it is, within a minute or two", () => {
    const endpoint = { width: 20, service: 50 };
    const load = new Load(endpoint, 500);
    load.run(120_000);
    endpoint.service = 250;
    load.run(120_000);
    const { perSecond } = load.run(60_000);
    assert.ok(perSecond > 0.85 * 80, `${perSecond} a second of 80`);
  });

  it("stays as it is while less than half of it is used", () => {
    const load = new Load({ width: 1000, service: 50 }, 5);
    const before = load.limit.limit;
    load.run(300_000);
    assert.equal(load.limit.limit, before);
  });

  it("measures the latency without load at half the limit for a moment each minute, and not where nobody is held back", () => {
    const busy = new Load({ width: 20, service: 50 }, 500);
    busy.run(120_000);
    let [dips, before] = [0, false];
    for (let second = 0; second < 600; second++) {
      const { least, greatest } = busy.run(1_000);
      const dip = least <= 0.6 * greatest;
      if (dip && !before) dips++;
      before = dip;
    }
    assert.ok(dips >= 8 && dips <= 11, `${dips} in ten minutes`);
    const calm = new Load({ width: 100, service: 50 }, 15);
    calm.run(120_000);
    const { least, greatest } = calm.run(600_000);
    assert.equal(least, greatest);
  });

  it("is between its minimum and maxConnections, and takes over new ones at once", () => {
    const load = new Load({ width: 1, service: 50 }, 500, { ...SETTINGS, adaptiveMin: 8 });
    load.run(120_000);
    assert.ok(load.run(60_000).least >= 8);
    load.limit.configure({ ...SETTINGS, adaptiveMin: 30 });
    assert.equal(load.limit.limit, 30);
    load.limit.configure({ ...SETTINGS, adaptiveMin: 1, maxConnections: 3 });
    assert.equal(load.limit.limit, 3);
    const wide = new Load({ width: 100, service: 50 }, 2000, { ...SETTINGS, maxConnections: 64 });
    assert.equal(wide.run(120_000).greatest, 64);
  });

  it("learns nothing from what says nothing about how long the endpoint takes", () => {
    const limit = new AdaptiveLimit(SETTINGS, 0);
    const before = limit.limit;
    for (let now = 0; now < 60_000; now++)
      for (const outcome of ["connect-failure", "reset", "cancelled"] as const)
        limit.observe(outcome, now, before, now);
    assert.equal(limit.limit, before);
  });

  it("falls when answers time out", () => {
    const limit = new AdaptiveLimit(SETTINGS, 0);
    for (let now = 0; now < 2_000; now += 2) limit.observe("success", 10, 10, now);
    const before = limit.limit;
    for (let now = 2_000; now < 4_500; now += 2) limit.observe("timeout", 1_000, limit.limit, now);
    assert.ok(limit.limit < before / 2, `${before}, then ${limit.limit}`);
  });
});

describe("an upstream with adaptiveConcurrency", () => {
  it("gives each endpoint a limit of its own, which bounds its connections and survives a reload", () => {
    const config = { endpoints: ["10.0.0.1:80", "10.0.0.2:80"], adaptiveConcurrency: true };
    const { upstream, at } = createFixture(config);
    const [first, second] = [at(0), at(1)];
    assert.equal(first.adaptive?.limit, 20);
    for (let n = 0; n < 20; n++) assert.ok(upstream.limits.tryConnect(first));
    assert.ok(!upstream.limits.tryConnect(first));
    assert.ok(upstream.limits.tryConnect(second));
    assert.equal(upstream.describe(0).endpoints[0]?.concurrencyLimit, 20);
    const learnt = first.adaptive;
    const { upstream: other } = createFixture({ ...config, maxConnections: 5 });
    assert.equal(other.endpoints[0]?.adaptive?.limit, 5);
    upstream.update(upstreamConfig({ ...config, maxConnections: 10 }));
    assert.equal(first.adaptive, learnt);
    assert.equal(first.adaptive?.limit, 10);
    assert.ok(upstream.limits.tooMany(first));
    assert.ok(!upstream.limits.tooMany(second));
    upstream.update(upstreamConfig({ endpoints: config.endpoints }));
    assert.equal(first.adaptive, null);
    assert.ok(!upstream.limits.tooMany(first));
  });
});
