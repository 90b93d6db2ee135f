import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulate } from "../testing/simulation.ts";

/** As many as take a few seconds; `SEEDS=50000` for more, `SEED=7` for one. */
const SEEDS = Number(process.env["SEEDS"] ?? 1_000);
const FIRST = Number(process.env["SEED"] ?? 1);

describe("whatever happens between candidates and store", () => {
  it(`no two believe at once, tokens rise, nobody believes after stop, and somebody leads in the end (${SEEDS} seeds)`, () => {
    let [acquisitions, faults] = [0, 0];
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const result = simulate({ seed });
      assert.equal(result.broken, null, `seed ${seed}`);
      acquisitions += result.acquisitions;
      faults += result.faults;
    }
    assert.ok(
      acquisitions > 3 * SEEDS && faults > 10 * SEEDS,
      `${acquisitions} acquisitions, ${faults} faults`,
    );
  });

  for (const mutation of ["no-deadline", "clock-after-answer"] as const)
    it(`the run finds it when the program has a fault: ${mutation}`, () => {
      let found = 0;
      for (let seed = 1; seed <= 200; seed++) if (simulate({ seed, mutation }).broken !== null) found++;
      assert.ok(found > 0);
    });

  it("and when clocks drift further apart than is promised", () => {
    let found = 0;
    for (let seed = 1; seed <= 400; seed++) if (simulate({ seed, drift: 3 }).broken !== null) found++;
    assert.ok(found > 0);
  });

  it("a seed reproduces its run", () => {
    assert.deepEqual(simulate({ seed: 42 }), simulate({ seed: 42 }));
  });
});
