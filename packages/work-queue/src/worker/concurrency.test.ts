/** The limiter over a workload of queueing theory's kind: fast up to its knee, and slower by what is above it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, VirtualClock } from "@outrigger/core/testing";
import { Concurrency } from "./concurrency.ts";

const SERVICE = 50;

/** So many jobs at once as the limit lets, each taking its time; `knee` can be moved. */
class Load {
  readonly clock = new VirtualClock();
  readonly concurrency: Concurrency;
  readonly #random = seededRandom(7);
  knee: number;
  running = 0;
  done = 0;

  constructor(knee: number, concurrency: number | "adaptive") {
    this.knee = knee;
    this.concurrency = new Concurrency({ concurrency, maxConcurrency: 1_000 }, this.clock);
  }

  run(span: number): void {
    for (const end = this.clock.now() + span; this.clock.now() < end;) {
      while (this.running < this.concurrency.limit) this.#begin();
      this.clock.advance(1);
    }
  }

  #begin(): void {
    this.running++;
    const began = this.clock.now();
    const slower = Math.max(1, this.running / this.knee);
    this.clock.timer(SERVICE * slower * (0.8 + 0.4 * this.#random()), () => {
      this.concurrency.attempted("success", this.clock.now() - began, this.running);
      this.running--;
      this.done++;
    });
  }
}

const throughput = (load: Load, span: number): number => {
  const before = load.done;
  load.run(span);
  return load.done - before;
};

test("when the workload's knee moves by four, the limit is there within 30 seconds, both ways", () => {
  const load = new Load(40, "adaptive");
  load.run(60_000);
  for (const knee of [10, 40, 160, 40]) {
    load.knee = knee;
    load.run(30_000);
    const { limit } = load.concurrency;
    assert.ok(limit > knee * 0.7 && limit < knee * 2.2, `knee ${knee}: limit ${limit}`);
  }
});

test("it does, with a fixed knee, at most a fifth less than the best fixed number", () => {
  const spans = 120_000;
  for (const knee of [5, 40]) {
    const adaptive = new Load(knee, "adaptive");
    adaptive.run(30_000);
    const fixed = [0.5, 0.75, 1, 1.5, 2].map((share) =>
      throughput(new Load(knee, Math.round(knee * share)), spans),
    );
    const best = Math.max(...fixed);
    const got = throughput(adaptive, spans);
    assert.ok(got >= 0.8 * best, `knee ${knee}: ${got} of ${best}`);
  }
});

test("what was learnt stays where nothing of it is changed, and else begins anew", () => {
  const load = new Load(40, "adaptive");
  const first = load.concurrency.limit;
  load.run(30_000);
  const { limit } = load.concurrency;
  assert.notEqual(limit, first);
  load.concurrency.reload({ concurrency: "adaptive", maxConcurrency: 1_000 });
  assert.equal(load.concurrency.limit, limit);
  load.concurrency.reload({ concurrency: "adaptive", maxConcurrency: 900 });
  assert.equal(load.concurrency.limit, first);
  load.concurrency.reload({ concurrency: 7, maxConcurrency: 900 });
  assert.equal(load.concurrency.limit, 7);
});

test("a fixed number stays", () => {
  const load = new Load(1, 7);
  load.run(10_000);
  assert.equal(load.concurrency.limit, 7);
});
