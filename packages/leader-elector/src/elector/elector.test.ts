/** An election of this replica on a clock that tests move: in which order it begins, ends and gives back. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics, silentLogger, type Clock } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { Candidate } from "../election/candidate.ts";
import { DEFAULT_TIMING } from "../election/timing.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { RecordedDuty } from "../testing/recorded-duty.ts";
import { UnsteadyStore } from "../testing/unsteady-store.ts";
import { Elector, type ElectorOptions, type WorkloadHealth } from "./elector.ts";

class FakeHealth implements WorkloadHealth {
  healthy: boolean | null = null;
  readonly #listeners = new Set<() => void>();
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  start(): void {}
  stop(): void {}
  become(healthy: boolean): void {
    this.healthy = healthy;
    for (const listener of this.#listeners) listener();
  }
}

function setUp(options: Partial<ElectorOptions> = {}) {
  const clock = new VirtualClock(50_000);
  // What a stopped process misses: time passes, and nothing of it runs.
  const paused = { ahead: 0 };
  const own: Clock = {
    now: () => clock.now() + paused.ahead,
    wallTime: () => clock.wallTime(),
    timer: (delay, fire) => clock.timer(delay, fire),
    sleep: (delay, signal) => clock.sleep(delay, signal),
  };
  const lease = new MemoryStore();
  const store = new UnsteadyStore(lease, clock);
  const told: string[] = [];
  const duties = [new RecordedDuty("hook", clock, told), new RecordedDuty("child", clock, told)] as const;
  const metrics = createMetrics();
  const elector = new Elector(
    { election: "tick", id: "a", timing: DEFAULT_TIMING, store, duties, ...options },
    { clock: own, log: silentLogger, metrics, random: () => 0.5 },
  );
  const other = new Candidate({
    id: "b",
    timing: DEFAULT_TIMING,
    store: lease,
    clock,
    log: silentLogger,
    random: () => 0.5,
    address: "10.0.0.2:80",
  });
  const holder = async (): Promise<string | undefined> =>
    (await lease.read(new AbortController().signal)).record?.holder;
  return { clock, paused, store, lease, told, duties, elector, other, metrics, holder };
}

const never = new AbortController().signal;

describe("an elector", () => {
  it("leads when its duties have begun, one after the other, each with the token", async () => {
    const { clock, elector, duties, told } = setUp();
    duties[0].beginTakes = 500;
    await elector.start();
    await clock.advanceAsync(100);
    assert.deepEqual(
      [elector.view.state, elector.view.isLeader, elector.view.token],
      ["beginning", false, null],
    );
    assert.equal(elector.view.leader, "a", "nobody else may lead");
    await clock.advanceAsync(500);
    assert.deepEqual([elector.view.state, elector.view.isLeader, elector.view.token], ["leading", true, 1n]);
    assert.deepEqual(
      told.filter((line) => line.includes("begin")),
      ["hook begin 1", "child begin 1"],
    );
    await elector.stop();
  });

  it("that resigns is told leader no more at once, ends its duties in the opposite order, and then gives the lease back", async () => {
    const { clock, elector, duties, told, holder } = setUp();
    duties[0].endTakes = 1_000;
    duties[1].endTakes = 3_000;
    await elector.start();
    await clock.advanceAsync(100);
    told.length = 0;
    let released = false;
    void elector.resign()?.then(() => (released = true));
    assert.deepEqual([elector.view.isLeader, elector.view.state], [false, "ending"]);
    await clock.advanceAsync(3_900);
    assert.equal(await holder(), "a", "still held: the work has not stopped");
    assert.equal(released, false);
    await clock.advanceAsync(200);
    assert.deepEqual(
      told.filter((line) => !line.includes("follow")),
      ["child end 1 resigned", "child ended 1", "hook end 1 resigned", "hook ended 1"],
    );
    assert.equal(await holder(), "");
    assert.equal(released, true);
    await elector.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("renews while its duties end, for longer than a lease", async () => {
    const { clock, elector, duties, holder, other } = setUp({ releaseTimeout: 60_000 });
    duties[0].endTakes = 40_000;
    await elector.start();
    await clock.advanceAsync(100);
    other.start();
    void elector.resign();
    await clock.advanceAsync(39_000);
    assert.equal(await holder(), "a");
    assert.equal(other.standing.isLeader, false);
    await clock.advanceAsync(5_000);
    assert.equal(other.standing.isLeader, true);
    await Promise.all([elector.stop(), other.stop(AbortSignal.abort())]);
  });

  it("cuts what has not ended within releaseTimeout, and keeps the lease for releaseDelay after it", async () => {
    const { clock, elector, duties, told, holder } = setUp({ releaseTimeout: 2_000, releaseDelay: 1_500 });
    duties[0].endTakes = 60_000;
    await elector.start();
    await clock.advanceAsync(100);
    void elector.resign();
    await clock.advanceAsync(2_000);
    assert.ok(told.includes("hook cut 1") && told.includes("hook ended 1"), told.join());
    await clock.advanceAsync(1_400);
    assert.equal(await holder(), "a");
    await clock.advanceAsync(200);
    assert.equal(await holder(), "");
    await elector.stop();
  });

  for (const [how, end] of [
    ["resigns", (elector: Elector) => elector.resign()],
    ["is retired", (elector: Elector) => elector.retire(never, undefined, 8_000)],
  ] as const)
    it(`that ${how} leaves half of the time to the duties that end after one that takes too long`, async () => {
      const { clock, elector, duties } = setUp({ releaseTimeout: 8_000 });
      duties[0].endTakes = 3_000;
      duties[1].endTakes = 60_000;
      await elector.start();
      await clock.advanceAsync(100);
      void end(elector);
      await clock.advanceAsync(8_000);
      const times = (duty: RecordedDuty): string[] =>
        duty.told.filter((line) => /end|cut/.test(line) && !line.includes("begin"));
      const [, childCut = ""] = times(duties[1]);
      const [hookEnd = "", hookEnded = ""] = times(duties[0]);
      assert.match(childCut, /^54\d\d\d cut 1$/);
      assert.match(hookEnd, /^54\d\d\d end 1/);
      assert.match(hookEnded, /^57\d\d\d ended 1$/);
      await elector.stop();
      assert.equal(clock.pendingTimers, 0);
    });

  it("that resigned leaves the others one lease's time, and campaigns again as soon as another has led", async () => {
    const { clock, elector, other } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    void elector.resign();
    await clock.advanceAsync(14_000);
    assert.deepEqual([elector.view.isLeader, elector.view.heldBack], [false, ["resigned"]]);
    await clock.advanceAsync(3_000);
    assert.equal(elector.view.isLeader, true, "there is nobody else");
    void elector.resign();
    other.start();
    await clock.advanceAsync(5_000);
    assert.deepEqual([elector.view.leader, elector.view.heldBack], ["b", []]);
    await Promise.all([elector.stop(), other.stop(AbortSignal.abort())]);
  });

  it("whose lease is lost ends all duties at once, and cuts them in half of the time before another may lead", async () => {
    const { clock, elector, duties, store } = setUp();
    for (const duty of duties) duty.endTakes = 60_000;
    await elector.start();
    await clock.advanceAsync(100);
    store.cut = true;
    await clock.advanceAsync(14_000);
    for (const duty of duties) {
      const [end, cut, ended] = duty.told.filter((line) => /end|cut/.test(line) && !line.includes("begin"));
      assert.match(end ?? "", /^60\d\d\d end 1 lost$/);
      assert.match(cut ?? "", /^62[56]\d\d cut 1$/);
      assert.match(ended ?? "", /^62[56]\d\d ended 1$/);
    }
    assert.deepEqual([elector.view.state, elector.view.leader], ["standby", null]);
    await elector.stop();
  });

  it("that lost the lease while its duties were ending in order hurries them", async () => {
    const { clock, elector, duties, store } = setUp({ releaseTimeout: 60_000 });
    duties[1].endTakes = 50_000;
    await elector.start();
    await clock.advanceAsync(100);
    void elector.resign();
    await clock.advanceAsync(1_000);
    store.cut = true;
    await clock.advanceAsync(14_000);
    assert.match(duties[1].told.find((line) => line.includes("cut")) ?? "none", /^62\d\d\d cut 1$/);
    await elector.stop();
  });

  for (const [what, options, end, shorter, childEnds] of [
    [
      "that loses the lease while one of its duties still ends tells the others at once",
      {},
      (elector: Elector) => elector.retire(never, undefined, 25_000),
      (store: UnsteadyStore) => void (store.cut = true),
      /^60\d\d\d end 1 lost$/,
    ],
    [
      "that is retired while it resigns leaves half of the time that is left to the duties that wait",
      { releaseTimeout: 60_000 },
      (elector: Elector) => elector.resign(),
      (_: UnsteadyStore, elector: Elector) => elector.retire(never, undefined, 8_000),
      /^55\d\d\d end 1 resigned$/,
    ],
    [
      "that is retired while it resigns gives none of its duties more time than it had",
      {},
      (elector: Elector) => elector.resign(),
      (_: UnsteadyStore, elector: Elector) => elector.retire(never, undefined, 8_900),
      /^551\d\d end 1 resigned$/,
    ],
  ] as const)
    it(what, async () => {
      const { clock, elector, duties, store } = setUp(options);
      const [child, gate] = duties;
      child.endTakes = 500;
      gate.endTakes = 60_000;
      await elector.start();
      await clock.advanceAsync(100);
      void end(elector);
      await clock.advanceAsync(1_000);
      void shorter(store, elector);
      await clock.advanceAsync(20_000);
      const told = child.told.slice(child.told.findIndex((line) => line.includes("end 1")));
      assert.match(told[0] ?? "", childEnds);
      assert.ok(!told.some((line) => line.includes("cut")), told.join());
      assert.ok(gate.told.some((line) => line.includes("cut")));
      await elector.stop();
      assert.equal(clock.pendingTimers, 0);
    });

  it("begins a next term only after the former has ended, and is no leader in between", async () => {
    const { clock, elector, duties, store, told } = setUp();
    duties[1].endTakes = 2_400;
    await elector.start();
    await clock.advanceAsync(100);
    store.cut = true;
    await clock.advanceAsync(10_000);
    assert.equal(elector.view.state, "ending");
    store.cut = false;
    told.length = 0;
    await clock.advanceAsync(2_250);
    assert.equal(elector.standing.isLeader, true, "it holds the lease anew");
    assert.equal(elector.view.isLeader, false);
    await clock.advanceAsync(3_000);
    assert.equal(elector.view.isLeader, true);
    const lines = told.filter((line) => !line.includes("follow"));
    assert.match(lines.join(), /child ended 1,hook begin (\d+),child begin \1$/);
    await elector.stop();
  });

  it("gives leadership up when a duty cannot begin, ends what had begun, and leaves others their turn", async () => {
    const { clock, elector, duties, told, holder, metrics } = setUp();
    duties[1].failure = new Error("the disk is not there");
    await elector.start();
    await clock.advanceAsync(3_000);
    assert.deepEqual(
      told.filter((line) => /begin|end/.test(line)),
      [
        "hook begin 1",
        "child begin 1",
        "child end 1 failed",
        "child ended 1",
        "hook end 1 failed",
        "hook ended 1",
      ],
    );
    assert.deepEqual([await holder(), elector.view.heldBack], ["", ["failed"]]);
    duties[1].failure = null;
    await clock.advanceAsync(15_000);
    assert.equal(elector.view.isLeader, true);
    assert.match((await metrics.expose()).body, /election_ends_total\{election="tick",why="failed"\} 1/);
    await elector.stop();
  });

  it("that is retired while a duty begins ends what had begun, and nothing begins after", async () => {
    const { clock, elector, duties, told, holder } = setUp();
    duties[0].beginTakes = 5_000;
    await elector.start();
    await clock.advanceAsync(100);
    const retired = elector.retire(never);
    await clock.advanceAsync(100);
    await retired;
    assert.deepEqual(
      told.filter((line) => !line.includes("follow")),
      ["hook begin 1", "hook end 1 stopped", "hook ended 1"],
    );
    assert.equal(await holder(), "");
    await elector.stop();
  });

  it("at the end waits until its duties and the workload have stopped, whatever releaseTimeout says", async () => {
    const { clock, elector, duties, holder } = setUp({ releaseTimeout: 100 });
    duties[1].endTakes = 5_000;
    await elector.start();
    await clock.advanceAsync(100);
    let workload: (gone: boolean) => void = () => {};
    const retired = elector.retire(never, () => new Promise((resolve) => (workload = resolve)));
    await clock.advanceAsync(20_000);
    assert.equal(await holder(), "a");
    workload(true);
    await clock.advanceAsync(100);
    await retired;
    assert.equal(await holder(), "");
    await elector.stop();
  });

  it("at the end waits for its workload after its duties have ended, and for releaseDelay after that", async () => {
    const asked: number[] = [];
    let answer: (gone: boolean) => void = () => {};
    const { clock, elector, duties, holder } = setUp({
      releaseDelay: 2_000,
    });
    const workGone = (): Promise<boolean> => {
      asked.push(clock.now());
      return new Promise((resolve) => (answer = resolve));
    };
    duties[1].endTakes = 1_000;
    await elector.start();
    await clock.advanceAsync(100);
    const retired = elector.retire(never, workGone);
    await clock.advanceAsync(20_000);
    assert.deepEqual([asked, await holder()], [[51_100], "a"]);
    answer(true);
    await clock.advanceAsync(1_900);
    assert.equal(await holder(), "a");
    await clock.advanceAsync(200);
    await retired;
    assert.equal(await holder(), "");
    await elector.stop();
  });

  it("that is stopped while it resigns leaves no timer", async () => {
    const { clock, elector, duties } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    duties[1].endTakes = 3_000;
    const resigned = elector.resign();
    await elector.stop();
    await resigned;
    assert.equal(clock.pendingTimers, 0);
  });

  it("that is stopped before its releaseDelay is over gives the lease back at once, and leaves no timer", async () => {
    for (const retiredFirst of [true, false]) {
      const { clock, elector, holder } = setUp({ releaseDelay: 20_000 });
      await elector.start();
      await clock.advanceAsync(100);
      const retired = retiredFirst ? elector.retire(never) : null;
      await clock.advanceAsync(1_000);
      await elector.stop();
      await (retired ?? elector.retire(never));
      assert.deepEqual([await holder(), clock.pendingTimers], ["", 0]);
    }
  });

  it("that is stopped tells that leadership ends before its duties end", async () => {
    const { clock, elector, told } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    told.length = 0;
    elector.changes.onChange(({ entry }) => told.push(entry.state));
    await elector.stop();
    assert.deepEqual(told.slice(0, 2), ["ending", "child end 1 stopped"]);
  });

  it("that is stopped while it starts leaves nothing open", async () => {
    const { clock, elector, duties } = setUp();
    duties[0].startTakes = 1_000;
    const started = elector.start();
    await elector.stop();
    await clock.advanceAsync(1_000);
    await started;
    assert.deepEqual([duties[0].isOpen, duties[1].isOpen, clock.pendingTimers], [false, false, 0]);
  });

  it("that is retired waits for the workload also where that renews no more", async () => {
    const { clock, elector, holder } = setUp({ requireRenewal: 5_000 });
    await elector.start();
    await clock.advanceAsync(100);
    let workload: (gone: boolean) => void = () => {};
    const retired = elector.retire(never, () => new Promise((resolve) => (workload = resolve)));
    elector.renew();
    await clock.advanceAsync(20_000);
    assert.equal(await holder(), "a");
    workload(true);
    await clock.advanceAsync(100);
    await retired;
    assert.equal(await holder(), "");
    await elector.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("that resigns while it is retired has done so when its duties have ended and the lease is given back", async () => {
    const { clock, elector, duties, holder } = setUp({ releaseTimeout: 100 });
    duties[1].endTakes = 5_000;
    await elector.start();
    await clock.advanceAsync(100);
    let workload: (gone: boolean) => void = () => {};
    const retired = elector.retire(never, () => new Promise((resolve) => (workload = resolve)));
    let resigned = false;
    void elector.resign()?.then(() => (resigned = true));
    await clock.advanceAsync(4_900);
    assert.deepEqual([resigned, await holder(), duties[1].told.at(-1)], [false, "a", "50100 end 1 stopped"]);
    await clock.advanceAsync(200);
    assert.deepEqual([resigned, await holder(), elector.view.state], [true, "", "standby"]);
    workload(false);
    await retired;
    await elector.stop();
  });

  it("gives nothing back when the workload has not stopped by the end of grace", async () => {
    const { clock, elector, holder } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    await elector.retire(never, () => Promise.resolve(false));
    await elector.stop();
    assert.equal(await holder(), "a");
    assert.equal(elector.view.isLeader, false);
  });

  it("at the end of grace cuts its duties and gives the lease back", async () => {
    const { clock, elector, duties, holder } = setUp();
    duties[1].endTakes = 60_000;
    await elector.start();
    await clock.advanceAsync(100);
    const grace = new AbortController();
    const retired = elector.retire(grace.signal);
    await clock.advanceAsync(5_000);
    assert.equal(await holder(), "a");
    grace.abort();
    await retired;
    await elector.stop();
    assert.equal(await holder(), "");
    assert.equal(clock.pendingTimers, 0);
  });

  it("that does not lead stands back at once when it is retired, and still tells who leads", async () => {
    const { clock, elector, other } = setUp();
    other.start();
    await clock.advanceAsync(100);
    await elector.start();
    await clock.advanceAsync(100);
    await elector.retire(never);
    await other.stop(never);
    await clock.advanceAsync(40_000);
    assert.deepEqual([elector.view.isLeader, elector.view.leader], [false, null]);
    await elector.stop();
  });

  it("campaigns only when its workload was found healthy, resigns when it is sick, and comes back", async () => {
    const health = new FakeHealth();
    const { clock, elector, told, holder } = setUp({ health });
    await elector.start();
    await clock.advanceAsync(20_000);
    assert.deepEqual([elector.view.isLeader, elector.view.heldBack], [false, ["sick"]]);
    health.become(true);
    await clock.advanceAsync(3_000);
    assert.equal(elector.view.isLeader, true);
    health.become(false);
    await clock.advanceAsync(100);
    assert.ok(told.includes("child end 1 sick"), told.join());
    assert.equal(await holder(), "");
    await clock.advanceAsync(60_000);
    assert.equal(elector.view.isLeader, false, "however long");
    health.become(true);
    await clock.advanceAsync(3_000);
    assert.equal(elector.view.isLeader, true);
    await elector.stop();
  });

  it("that is asked to resign while it is sick campaigns again when it is healthy and others had their turn", async () => {
    const health = new FakeHealth();
    const { clock, elector, duties } = setUp({ health });
    duties[1].endTakes = 1_000;
    await elector.start();
    health.become(true);
    await clock.advanceAsync(3_000);
    health.become(false);
    void elector.resign();
    health.become(true);
    await clock.advanceAsync(14_000);
    assert.deepEqual([elector.view.isLeader, elector.view.heldBack], [false, ["resigned"]]);
    await clock.advanceAsync(4_000);
    assert.equal(elector.view.isLeader, true);
    await elector.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("whose workload is well again while the duties still end gives the lease back, and campaigns", async () => {
    const health = new FakeHealth();
    const { clock, elector, duties, told } = setUp({ health });
    duties[1].endTakes = 1_000;
    await elector.start();
    health.become(true);
    await clock.advanceAsync(3_000);
    health.become(false);
    health.become(true);
    await clock.advanceAsync(6_000);
    assert.deepEqual(
      told.filter((line) => /hook (begin|ended)/.test(line)),
      ["hook begin 1", "hook ended 1", `hook begin ${elector.view.token}`],
    );
    assert.equal(elector.view.isLeader, true);
    await elector.stop();
  });

  it("whose work fails gives leadership up, once, and not after it has ended", async () => {
    const { clock, elector, told } = setUp();
    await elector.start();
    elector.fail("before any term");
    await clock.advanceAsync(100);
    elector.fail("the child ended");
    elector.fail("the child ended");
    await clock.advanceAsync(100);
    elector.fail("too late");
    assert.deepEqual(
      told.filter((line) => line.includes("end 1")),
      ["child end 1 failed", "hook end 1 failed"],
    );
    await clock.advanceAsync(18_000);
    assert.equal(elector.view.isLeader, true);
    await elector.stop();
  });

  it("whose work fails while it is given up is held back by what gave it up, alone", async () => {
    const { clock, elector, duties } = setUp();
    duties[1].endTakes = 1_000;
    await elector.start();
    await clock.advanceAsync(100);
    void elector.resign();
    elector.fail("the child ended with 1");
    await clock.advanceAsync(2_000);
    assert.deepEqual(elector.view.heldBack, ["resigned"]);
    await elector.stop();
  });

  it("that is retired campaigns no more, whatever else held it back before", async () => {
    const { clock, elector, other } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    await elector.resign();
    await elector.retire(never);
    other.start();
    await clock.advanceAsync(3_000);
    assert.equal(elector.view.leader, "b");
    await other.stop(never);
    await clock.advanceAsync(30_000);
    assert.deepEqual([elector.view.leader, elector.view.heldBack], [null, ["stopping"]]);
    await elector.stop();
  });

  it("that cannot reach the store to give the lease back has done so when that is over", async () => {
    const { clock, elector, store } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    store.cut = true;
    // A renewal without an answer: what stands there is to be read before it is given back.
    await clock.advanceAsync(3_000);
    let released = false;
    void elector.resign()?.then(() => (released = true));
    await clock.advanceAsync(14_900);
    assert.equal(released, false);
    await clock.advanceAsync(200);
    assert.equal(released, true);
    const stopped = elector.stop();
    await clock.advanceAsync(1_000);
    await stopped;
  });

  it("begins no further duty in a term that has ended while one began that does not listen", async () => {
    const { clock, elector, duties, told } = setUp();
    const begun = clock.sleep(5_000);
    duties[0].begin = () => begun;
    await elector.start();
    await clock.advanceAsync(100);
    void elector.resign();
    await clock.advanceAsync(6_000);
    assert.ok(!told.includes("child begin 1") && told.includes("hook ended 1"), told.join());
    await elector.stop();
  });

  it("that lost the lease while its duties were ending leaves them no longer than they had", async () => {
    const { clock, elector, duties, store } = setUp({ releaseTimeout: 10_500 });
    duties[0].endTakes = 50_000;
    await elector.start();
    await clock.advanceAsync(100);
    store.cut = true;
    void elector.resign();
    await clock.advanceAsync(14_000);
    assert.match(duties[0].told.find((line) => line.includes("cut")) ?? "none", /^606\d\d cut 1$/);
    await elector.stop();
  });

  it("after a pause does not lead, before anybody has looked", async () => {
    const { clock, elector, paused } = setUp();
    await elector.start();
    await clock.advanceAsync(100);
    assert.equal(elector.view.isLeader, true);
    paused.ahead = 10_000;
    assert.deepEqual([elector.view.isLeader, elector.view.token], [false, null]);
    await elector.stop();
  });

  it("on request campaigns after becomeLeader, and no more after it resigned", async () => {
    const { clock, elector } = setUp({ campaign: "on-request" });
    await elector.start();
    await clock.advanceAsync(40_000);
    assert.deepEqual([elector.view.isLeader, elector.view.heldBack], [false, ["unasked"]]);
    assert.equal(await elector.becomeLeader(AbortSignal.abort()), false);
    await clock.advanceAsync(2_500);
    assert.equal(elector.view.isLeader, true);
    assert.equal(await elector.becomeLeader(never), true);
    void elector.resign();
    await clock.advanceAsync(60_000);
    assert.deepEqual([elector.view.isLeader, elector.view.heldBack], [false, ["unasked"]]);
    const became = elector.becomeLeader(never);
    await clock.advanceAsync(2_500);
    assert.equal(await became, true);
    await elector.stop();
  });

  it("resigns when the workload has not renewed for so long as is required", async () => {
    const { clock, elector } = setUp({ requireRenewal: 5_000 });
    await elector.start();
    await clock.advanceAsync(100);
    for (let n = 0; n < 5; n++) {
      await clock.advanceAsync(4_000);
      assert.equal(elector.renew(), true);
    }
    await clock.advanceAsync(5_100);
    assert.equal(elector.renew(), false);
    assert.deepEqual(elector.view.heldBack, ["resigned"]);
    await clock.advanceAsync(15_000);
    assert.equal(elector.view.isLeader, true, "after one lease it tries again");
    await clock.advanceAsync(5_100);
    assert.equal(elector.view.isLeader, false);
    await elector.stop();
  });

  it("tells its duties who leads, and where that wants to be reached", async () => {
    const { clock, elector, other, told } = setUp({ address: "10.0.0.1:80" });
    other.start();
    await clock.advanceAsync(100);
    await elector.start();
    await clock.advanceAsync(100);
    await other.stop(never);
    await clock.advanceAsync(3_000);
    assert.deepEqual(
      told.filter((line) => line.startsWith("hook follow")),
      ["hook follow b 10.0.0.2:80", "hook follow nobody", "hook follow a 10.0.0.1:80"],
    );
    await elector.stop();
  });

  it("that cannot start a duty says why, and stops those that had started", async () => {
    const { elector, duties } = setUp();
    const stopped: string[] = [];
    const [hook, child] = duties as unknown as [Record<string, unknown>, Record<string, unknown>];
    hook["start"] = async () => {};
    hook["stop"] = async () => void stopped.push("hook");
    child["start"] = () => Promise.reject(new Error("port 80 is taken"));
    await assert.rejects(elector.start(), /port 80 is taken/);
    assert.deepEqual(stopped, ["hook"]);
  });
});
