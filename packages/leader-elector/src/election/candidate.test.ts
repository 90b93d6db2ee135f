/** A candidate over a real store, on a clock that a test moves. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger, type Clock, type Logger } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { MemoryStore } from "../store/memory-store.ts";
import { UnsteadyStore } from "../testing/unsteady-store.ts";
import { Candidate, type Standing } from "./candidate.ts";
import { DEFAULT_TIMING } from "./timing.ts";

function setUp(...ids: string[]) {
  const warnings: string[] = [];
  const log: Logger = {
    ...silentLogger,
    warn: (fields, text) => void warnings.push(`${text}: ${Object.values(fields).join()}`),
  };
  const clock = new VirtualClock(50_000);
  const store = new MemoryStore();
  const members = ids.map((id) => {
    const access = new UnsteadyStore(store, clock);
    // What a stopped process misses: time passes, and nothing of it runs.
    const paused = { ahead: 0 };
    const ownClock: Clock = {
      now: () => clock.now() + paused.ahead,
      wallTime: () => clock.wallTime(),
      timer: (delay, fire) => clock.timer(delay, fire),
      sleep: (delay, signal) => clock.sleep(delay, signal),
    };
    const candidate = new Candidate({
      id,
      timing: DEFAULT_TIMING,
      store: access,
      clock: ownClock,
      log,
      random: () => 0.5,
    });
    const told: Standing[] = [];
    candidate.onChange((standing) => told.push(standing));
    return { candidate, access, told, paused };
  });
  return { clock, warnings, members: members as [(typeof members)[0], ...typeof members] };
}

const never = new AbortController().signal;

describe("a candidate", () => {
  it("alone leads, and goes on leading under the same token", async () => {
    const { clock, members } = setUp("a");
    const [{ candidate, told }] = members;
    assert.deepEqual(candidate.standing, { isLeader: false, token: null, leader: null, leaderAddress: null });
    candidate.start();
    await clock.advanceAsync(0);
    assert.deepEqual(candidate.standing, { isLeader: true, token: 1n, leader: "a", leaderAddress: null });
    assert.equal(candidate.expiresIn, 10_000);
    await clock.advanceAsync(600_000);
    assert.deepEqual(candidate.standing, { isLeader: true, token: 1n, leader: "a", leaderAddress: null });
    assert.deepEqual(told, [{ isLeader: true, token: 1n, leader: "a", leaderAddress: null }], "told once");
    await candidate.stop(AbortSignal.abort());
  });

  it("at rest costs 30 writes a minute as leader, and fewer reads than that otherwise", async () => {
    const { clock, members } = setUp("a", "b");
    const [one, other] = members as unknown as [(typeof members)[0], (typeof members)[0]];
    one.candidate.start();
    await clock.advanceAsync(1_000);
    other.candidate.start();
    await clock.advanceAsync(1_000);
    const before = [one.access.writes, one.access.reads, other.access.writes, other.access.reads];
    await clock.advanceAsync(60_000);
    const after = [one.access.writes, one.access.reads, other.access.writes, other.access.reads];
    const [writes, reads, otherWrites, looks] = after.map(
      (count, index) => count - (before[index] as number),
    );
    assert.ok((writes as number) >= 29 && (writes as number) <= 30, `${writes} writes`);
    assert.deepEqual([reads, otherWrites], [0, 0]);
    assert.ok((looks as number) <= 30, `${looks} looks`);
    for (const { candidate } of members) await candidate.stop(AbortSignal.abort());
  });

  it("gives the lease back when it stops, and the next one leads with its next look", async () => {
    const { clock, members } = setUp("a", "b");
    const [one, other] = members as unknown as [(typeof members)[0], (typeof members)[0]];
    one.candidate.start();
    await clock.advanceAsync(100);
    other.candidate.start();
    await clock.advanceAsync(10_000);
    assert.equal(other.candidate.standing.leader, "a");
    const stopped = one.candidate.stop(never);
    assert.equal(one.candidate.standing.isLeader, false, "at once");
    await clock.advanceAsync(0);
    await stopped;
    await clock.advanceAsync(2_400);
    assert.deepEqual(other.candidate.standing, {
      isLeader: true,
      token: other.candidate.standing.token,
      leader: "b",
      leaderAddress: null,
    });
    assert.ok((other.candidate.standing.token ?? 0n) > 1n);
    await other.candidate.stop(AbortSignal.abort());
    assert.equal(clock.pendingTimers, 0);
  });

  it("takes over when the leader is gone, a lease after it was last seen to renew", async () => {
    const { clock, members } = setUp("a", "b");
    const [one, other] = members as unknown as [(typeof members)[0], (typeof members)[0]];
    one.candidate.start();
    await clock.advanceAsync(100);
    other.candidate.start();
    await clock.advanceAsync(20_000);
    await one.candidate.stop(AbortSignal.abort()); // as kill -9: nothing is given back
    const gone = clock.now();
    while (!other.candidate.standing.isLeader) await clock.advanceAsync(100);
    const after = clock.now() - gone;
    assert.ok(after > 12_000 && after <= 17_500, `${after} ms`);
    await other.candidate.stop(AbortSignal.abort());
  });

  it("that was stopped past its deadline answers no to the first question, before any of its timers has run", async () => {
    const { clock, members } = setUp("a");
    const [{ candidate, paused }] = members;
    candidate.start();
    await clock.advanceAsync(1_000);
    assert.ok(candidate.standing.isLeader);
    paused.ahead = 9_000;
    assert.deepEqual(candidate.standing, { isLeader: false, token: null, leader: null, leaderAddress: null });
    assert.equal(candidate.expiresIn, 0);
    await candidate.stop(AbortSignal.abort());
  });

  it("says that its belief has ended when the store has gone, while a request hangs, too", async () => {
    for (const how of ["cut", "hang"] as const) {
      const { clock, members } = setUp("a");
      const [{ candidate, access, told }] = members;
      candidate.start();
      await clock.advanceAsync(1_000);
      if (how === "cut") access.cut = true;
      else access.delay = 3_600_000;
      await clock.advanceAsync(8_998);
      assert.equal(told.length, 1, how);
      await clock.advanceAsync(10);
      assert.deepEqual(told.at(-1), { isLeader: false, token: null, leader: null, leaderAddress: null }, how);
      access.cut = false;
      access.delay = 0;
      await clock.advanceAsync(20_000);
      assert.equal(told.at(-1)?.isLeader, true);
      assert.ok((told.at(-1)?.token ?? 0n) > 1n, "under a new token");
      await candidate.stop(AbortSignal.abort());
      assert.equal(clock.pendingTimers, 0);
    }
  });

  it("says that another's lease has expired when it has, also while it has no answer", async () => {
    const { clock, members } = setUp("a", "b");
    const [leader, { candidate, access, told } = assert.fail()] = members;
    leader.candidate.start();
    await clock.advanceAsync(10);
    candidate.start();
    await clock.advanceAsync(10);
    await leader.candidate.stop(AbortSignal.abort());
    access.delay = 3_600_000;
    assert.equal(told.at(-1)?.leader, "a");
    await clock.advanceAsync(candidate.expiresIn + 2);
    assert.deepEqual([told.at(-1)?.leader, candidate.standing.leader], [null, null]);
    await candidate.stop(AbortSignal.abort());
  });

  it("of a store that answers late does not lead: what comes after its patience has no meaning", async () => {
    for (const [delay, leads] of [
      [4_999, true],
      [5_001, false],
    ] as const) {
      const { clock, members } = setUp("a");
      const [{ candidate, access }] = members;
      access.delay = delay;
      candidate.start();
      await clock.advanceAsync(60_000);
      assert.equal(candidate.standing.isLeader, leads, `${delay} ms`);
      await candidate.stop(AbortSignal.abort());
      assert.equal(clock.pendingTimers, 0);
    }
  });

  it("says that a request had no answer, whether it was refused or nobody ever answered", async () => {
    const { clock, warnings, members } = setUp("a");
    const [{ candidate, access }] = members;
    access.delay = 3_600_000;
    candidate.start();
    await clock.advanceAsync(5_000);
    const silence = "the read of the lease had no answer: it did not come within 5000 ms";
    assert.deepEqual(warnings, [silence]);
    access.cut = true;
    await clock.advanceAsync(2_500);
    assert.deepEqual(warnings, [silence, "the read of the lease had no answer: connection refused"]);
    await candidate.stop(AbortSignal.abort());
  });

  it("that stops with the store cut off ends when it is told to wait no longer", async () => {
    const { clock, members } = setUp("a");
    const [{ candidate, access }] = members;
    candidate.start();
    await clock.advanceAsync(1_000);
    access.delay = 3_600_000;
    const patience = new AbortController();
    const stopped = candidate.stop(patience.signal);
    await clock.advanceAsync(3_000);
    patience.abort();
    await stopped;
    assert.equal(clock.pendingTimers, 0);
    await candidate.stop(never);
  });
});
