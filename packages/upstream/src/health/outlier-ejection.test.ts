import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamConfig } from "../config.ts";
import { type Endpoint } from "../endpoint/endpoint.ts";
import { OUTCOMES } from "../endpoint/outcome.ts";
import { addresses, createFixture } from "../testing/upstream-fixture.ts";

const failures = ["server-error", "connect-failure", "reset", "timeout"] as const;

test("five failures in a row eject, of whatever kind; a success between starts the count anew", () => {
  const { at, attempts, pick, clock } = createFixture({ endpoints: addresses(3) });
  attempts(at(0), "server-error", 4);
  attempts(at(0), "success");
  attempts(at(0), "timeout", 2);
  attempts(at(0), "reset", 2);
  assert.equal(at(0).ejectedUntil, 0);
  attempts(at(0), "connect-failure");
  assert.equal(at(0).ejectedUntil, clock.now() + 30_000);
  for (let i = 0; i < 200; i++) assert.notEqual(pick(), at(0));
});

test("what we cancelled says nothing: it neither fails nor clears", () => {
  const { at, attempts } = createFixture({ endpoints: addresses(3) });
  attempts(at(0), "server-error", 4);
  attempts(at(0), "cancelled", 100);
  assert.equal(at(0).ejectedUntil, 0);
  attempts(at(0), "server-error");
  assert.notEqual(at(0).ejectedUntil, 0);
});

test("the threshold is ejectAfter, and 0 switches it off", () => {
  const two = createFixture({ endpoints: addresses(3), ejectAfter: 2 });
  two.attempts(two.at(0), "reset", 2);
  assert.notEqual(two.at(0).ejectedUntil, 0);
  const off = createFixture({ endpoints: addresses(3), ejectAfter: 0 });
  off.attempts(off.at(0), "reset", 1000);
  assert.equal(off.at(0).ejectedUntil, 0);
});

test("it comes back when its time is over, one request at a time until the first success", () => {
  const { at, attempts, pick, clock, upstream } = createFixture({ endpoints: addresses(2) });
  attempts(at(0), "reset", 5);
  clock.advance(29_999);
  assert.equal(pick(), at(1));
  clock.advance(1);
  at(1).active = 10;
  assert.equal(pick(), at(0));
  upstream.started(at(0));
  for (let i = 0; i < 100; i++) assert.equal(pick(), at(1), "its one request is under way");
  assert.equal(pick([at(1)]), at(0), "but rather it than one that was tried");
  upstream.ended(at(0), "success", 1, clock.now());
  upstream.started(at(0));
  assert.equal(pick(), at(0), "proven: as any other");
});

test("a cancelled request on probation proves nothing; the next may try", () => {
  const { at, attempts, pick, clock } = createFixture({ endpoints: addresses(2) });
  attempts(at(0), "reset", 5);
  clock.advance(30_000);
  at(1).active = 10;
  assert.equal(pick(), at(0));
  attempts(at(0), "cancelled");
  assert.equal(at(0).probation, true);
  assert.equal(pick(), at(0));
});

test("one failure on its return ejects it again, each time for longer, up to the most", () => {
  const { at, attempts, pick, clock } = createFixture({ endpoints: addresses(3), ejectTimeMax: "100s" });
  attempts(at(0), "reset", 5);
  for (const span of [60_000, 90_000, 100_000, 100_000]) {
    clock.advance(at(0).ejectedUntil - clock.now());
    pick();
    assert.equal(at(0).probation, true);
    attempts(at(0), "timeout");
    assert.equal(at(0).ejectedUntil - clock.now(), span);
  }
});

test("time in service makes the next ejection shorter again", () => {
  const { at, attempts, pick, clock } = createFixture({ endpoints: addresses(3) });
  attempts(at(0), "reset", 5);
  clock.advance(30_000);
  pick();
  attempts(at(0), "reset");
  assert.equal(at(0).ejections, 2);
  clock.advance(60_000);
  pick();
  attempts(at(0), "success");
  clock.advance(19_999);
  attempts(at(0), "reset", 5);
  assert.equal(at(0).ejectedUntil - clock.now(), 60_000, "one interval served: from 2 to 1, and one more");
});

test("answers to what began before an ejection do not prolong or end it", () => {
  const { at, attempts, clock } = createFixture({ endpoints: addresses(3) });
  attempts(at(0), "reset", 5);
  const until = at(0).ejectedUntil;
  clock.advance(1000);
  attempts(at(0), "reset", 50);
  attempts(at(0), "success", 50);
  assert.equal(at(0).ejectedUntil, until);
  assert.equal(at(0).failuresInRow, 0);
});

const caps: readonly (readonly [number, string, number])[] = [
  [1, "50%", 0],
  [2, "50%", 1],
  [3, "50%", 1],
  [4, "50%", 2],
  [10, "50%", 5],
  [10, "29%", 2],
  [100, "29%", 29],
  [10, "1%", 1],
  [10, "0%", 0],
  [4, "100%", 4],
];
for (const [size, ejectMax, most] of caps) {
  test(`of ${size} endpoints at most ${most} are ejected when ejectMax is ${ejectMax}`, () => {
    const { upstream, attempts } = createFixture({ endpoints: addresses(size), ejectMax });
    for (const endpoint of upstream.endpoints) attempts(endpoint, "reset", 20);
    assert.equal(upstream.endpoints.filter((endpoint) => endpoint.ejectedUntil !== 0).length, most);
  });
}

test("one that the cap spared is ejected at its next failure, once there is room", () => {
  const { at, attempts, pick, clock } = createFixture({ endpoints: addresses(2) });
  attempts(at(0), "reset", 5);
  attempts(at(1), "reset", 50);
  assert.equal(at(1).ejectedUntil, 0);
  clock.advance(30_000);
  pick();
  attempts(at(1), "reset");
  assert.notEqual(at(1).ejectedUntil, 0);
});

test("when discovery takes the healthy ones away, the cap brings back those that were due first", () => {
  const { upstream, at, attempts, clock } = createFixture({ endpoints: addresses(4) });
  attempts(at(0), "reset", 5);
  clock.advance(1000);
  attempts(at(1), "reset", 5);
  const [first, second] = [at(0), at(1)];
  upstream.update(upstreamConfig({ endpoints: addresses(2) }));
  assert.equal(first.ejectedUntil, 0);
  assert.notEqual(second.ejectedUntil, 0);
});

/** Every endpoint answers 200 requests, endpoint 0 with `rate` of them good; then the interval ends. */
function interval(
  size: number,
  rate: number,
  overrides: Parameters<typeof upstreamConfig>[0] = {},
  each = 200,
): Endpoint {
  const { upstream, at, attempts, clock } = createFixture({
    endpoints: addresses(size),
    ejectAfter: 0,
    ...overrides,
  });
  for (let i = 0; i < each; i++) {
    for (const endpoint of upstream.endpoints) {
      const good = endpoint !== at(0) || i % 100 < rate * 100;
      attempts(endpoint, good ? "success" : "server-error");
    }
  }
  clock.advance(10_000);
  attempts(at(1), "success");
  return at(0);
}

test("a success rate far below the others' ejects, also without failures in a row", () => {
  const endpoint = interval(6, 0.8);
  assert.notEqual(endpoint.ejectedUntil, 0);
  assert.match(endpoint.ejectedFor ?? "", /success rate 80\.0 % is far below the others' \(mean 96\.7 %\)/);
});

test("when the cap has room for one, the worst success rate goes", () => {
  const { upstream, at, attempts, clock } = createFixture({
    endpoints: addresses(12),
    ejectAfter: 0,
    ejectMax: "1%",
    ejectDeviations: 1,
  });
  const rates = [0.8, 0.2, 0.7];
  for (let i = 0; i < 200; i++) {
    for (const [index, endpoint] of upstream.endpoints.entries()) {
      attempts(endpoint, i % 100 < (rates[index] ?? 1) * 100 ? "success" : "server-error");
    }
  }
  clock.advance(10_000);
  attempts(at(5), "success");
  assert.deepEqual(
    upstream.endpoints.filter(({ ejectedUntil }) => ejectedUntil !== 0),
    [at(1)],
  );
});

test("success rates that are alike eject nobody", () => assert.equal(interval(6, 1).ejectedUntil, 0));
test("success rates are not compared among too few endpoints", () =>
  assert.equal(interval(4, 0.1).ejectedUntil, 0));
test("nor among endpoints with too few requests", () =>
  assert.equal(interval(6, 0.1, {}, 99).ejectedUntil, 0));
test("nor when that is switched off", () => {
  assert.equal(interval(6, 0.1, { ejectSuccessRate: false }).ejectedUntil, 0);
});

test("under any sequence of events: the cap holds, nothing ejected is picked outside panic, and ejections end on time", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("attempt" as const),
      index: fc.nat(11),
      outcome: fc.constantFrom(...OUTCOMES, ...failures),
      times: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ kind: fc.constant("wait" as const), span: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ kind: fc.constant("resize" as const), size: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant("pick" as const), avoided: fc.nat(11) }),
  );
  const share = fc.constantFrom(0, 0.1, 0.3, 0.5, 1);
  fc.assert(
    fc.property(share, share, fc.array(step, { maxLength: 80 }), (ejectMax, panicThreshold, steps) => {
      const input = (size: number) => ({
        endpoints: addresses(size),
        ejectMax,
        panicThreshold,
        ejectMinRequests: 5,
      });
      const { upstream, clock, attempts } = createFixture(input(6));
      for (const each of steps) {
        if (each.kind === "wait") clock.advance(each.span);
        if (each.kind === "resize") upstream.update(upstreamConfig(input(each.size)));
        const all = upstream.endpoints;
        if (each.kind === "attempt")
          attempts(all[each.index % all.length] as Endpoint, each.outcome, each.times);
        if (each.kind === "pick") {
          const avoid = [all[each.avoided % all.length] as Endpoint];
          const endpoint = upstream.pick(clock.now(), avoid);
          const { panic, available } = upstream.describe(clock.now());
          if (endpoint === null) {
            assert.ok(available === 0 && panicThreshold === 0);
            continue;
          }
          assert.ok(!endpoint.removed && all.includes(endpoint));
          if (!panic) assert.equal(endpoint.ejectedUntil, 0);
          if (!panic && available > 1) assert.notEqual(endpoint, avoid[0]);
          for (const { ejectedUntil } of all) assert.ok(ejectedUntil === 0 || ejectedUntil > clock.now());
        }
        const ejected = all.filter(({ ejectedUntil }) => ejectedUntil !== 0).length;
        const cap =
          ejectMax === 0 || all.length < 2 ? 0 : Math.max(1, Math.floor(ejectMax * all.length + 1e-9));
        assert.ok(ejected <= cap, `${ejected} of ${all.length} ejected, ejectMax ${ejectMax}`);
        for (const { active } of all) assert.equal(active, 0);
      }
    }),
    { numRuns: 300 },
  );
});
