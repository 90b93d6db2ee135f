import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulate, type SimulationOptions } from "../testing/simulation.ts";

/** As many as take a few seconds; `SEEDS=50000` for more, `SEED=7` for one. */
const SEEDS = Number(process.env["SEEDS"] ?? 1_000);
const FIRST = Number(process.env["SEED"] ?? 1);

/** None of the seeds breaks a promise; what happened in all of them. */
function holds(options: Omit<SimulationOptions, "seed">, seeds: number, first: number) {
  const sum = { acquisitions: 0, otherAcquisitions: 0, faults: 0, beyondPromise: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const result = simulate({ seed, ...options });
    assert.equal(result.broken, null, `seed ${seed}`);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key];
  }
  return sum;
}

/** How many of the first seeds break a promise. */
function finds(options: Omit<SimulationOptions, "seed">, seeds: number): number {
  let found = 0;
  for (let seed = 1; seed <= seeds; seed++) if (simulate({ seed, ...options }).broken !== null) found++;
  return found;
}

describe("whatever happens between candidates and store", () => {
  it(`no two believe at once, tokens rise, nobody believes after stop, and somebody leads in the end (${SEEDS} seeds)`, () => {
    const { acquisitions, faults } = holds({}, SEEDS, FIRST);
    assert.ok(
      acquisitions > 3 * SEEDS && faults > 10 * SEEDS,
      `${acquisitions} acquisitions, ${faults} faults`,
    );
  });

  for (const mutation of ["no-deadline", "clock-after-answer"] as const)
    it(`the run finds it when the program has a fault: ${mutation}`, () => {
      assert.ok(finds({ mutation }, 200) > 0);
    });

  it("and when clocks drift further apart than is promised", () => {
    assert.ok(finds({ drift: 3 }, 400) > 0);
  });

  it("a seed reproduces its run", () => {
    for (const field of ["ours", "mixed"] as const)
      assert.deepEqual(simulate({ seed: 42, field }), simulate({ seed: 42, field }));
  });
});

describe("beside candidates of client-go on one Lease", () => {
  it(`none of ours believes while one of theirs leads by its promise, nor the reverse, and somebody leads in the end (${SEEDS} seeds)`, () => {
    const { acquisitions, otherAcquisitions, beyondPromise } = holds({ field: "mixed" }, SEEDS, FIRST);
    assert.ok(
      acquisitions > 2 * SEEDS && otherAcquisitions > 2 * SEEDS,
      `${acquisitions} acquisitions of ours, ${otherAcquisitions} of theirs`,
    );
    // What client-go does not promise, and its model does not, either: else it would not be a model of it.
    assert.ok(beyondPromise > 0);
  });

  it("the model of client-go keeps among its like what it is held to", () => {
    assert.ok(holds({ field: "client-go" }, 200, FIRST).otherAcquisitions > 600);
  });

  for (const mutation of ["own-lease-duration", "expired-by-its-times"] as const)
    it(`the run finds it when ours has a fault: ${mutation}`, () => {
      assert.ok(finds({ field: "mixed", mutation }, 200) > 0);
    });
});
