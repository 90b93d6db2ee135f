import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../log/logger.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { DataListener, ListenerRole } from "./data-listener.ts";
import type { Gate } from "./gate.ts";
import { Lifecycle } from "./lifecycle.ts";

const TIMES = { grace: 25_000, settle: 5_000, egressQuiet: 1_000 };

/** A listener whose connections a test sets by hand; it writes down what it was told, and when. */
class FakeListener implements DataListener {
  drainBegins?: (graceEnds: AbortSignal, grace: number) => void;
  readonly name = "fake";
  readonly role: ListenerRole;
  readonly told: string[] = [];
  open = 0;
  seen = 0;
  gate: Gate | undefined;
  readonly #clock: VirtualClock;
  #emptied: (() => void) | null = null;

  constructor(role: ListenerRole, clock: VirtualClock) {
    this.role = role;
    this.#clock = clock;
  }
  connections = (): number => this.open;
  accepted = (): number => this.seen;
  inFlight = (): number => this.open;
  stopAccepting(_signal: AbortSignal): Promise<void> {
    this.told.push(`stop@${this.#clock.now()}`);
    return Promise.resolve();
  }
  drain(signal: AbortSignal): Promise<number> {
    this.told.push(`drain@${this.#clock.now()}`);
    if (this.open === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.#emptied = () => resolve(0);
      const cut = (): void => resolve(this.open);
      if (signal.aborted) cut();
      else signal.addEventListener("abort", cut);
    });
  }
  close(): void {
    this.open = 0;
    this.#emptied?.();
  }
}

function setUp(...roles: ListenerRole[]) {
  const clock = new VirtualClock();
  const lifecycle = new Lifecycle(clock, silentLogger);
  lifecycle.ready();
  const listeners = roles.map((role) => new FakeListener(role, clock));
  return { clock, lifecycle, listeners, first: listeners[0] as FakeListener };
}

test("a listener hears at once that draining begins, and when grace is over", async () => {
  const { clock, lifecycle, listeners, first } = setUp("egress", "ingress");
  first.open = 1;
  const heard: string[] = [];
  for (const listener of listeners)
    listener.drainBegins = (graceEnds, grace) => {
      heard.push(`${listener.role}@${clock.now()} ${grace}`);
      graceEnds.addEventListener("abort", () => heard.push(`grace over@${clock.now()}`));
    };
  void lifecycle.drain("SIGTERM", listeners, TIMES);
  assert.deepEqual(heard, ["egress@0 25000", "ingress@0 25000"]);
  await clock.advanceAsync(25_000);
  assert.deepEqual(heard.slice(2), ["grace over@25000", "grace over@25000"]);
});

test("egress keeps accepting while the workload has a connection open, and stops a quiet spell after the last closed", async () => {
  const { clock, lifecycle, listeners, first } = setUp("egress");
  first.open = 2;
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(10_000);
  assert.deepEqual(first.told, []);
  assert.equal(lifecycle.state.phase, "draining");
  first.open = 0;
  await clock.advanceAsync(900);
  assert.deepEqual(first.told, [], "quiet for too short");
  first.open = 1; // it was not gone
  await clock.advanceAsync(100);
  first.open = 0;
  await clock.advanceAsync(1_100);
  assert.equal(first.told.length, 2);
  assert.match(first.told.join(), /^stop@120\d\d,drain@120\d\d$/);
  const { cut, took } = await report;
  assert.equal(cut, 0);
  assert.ok(took >= 12_000 && took <= 12_100, `${took}`);
  assert.deepEqual(lifecycle.state, { phase: "stopped", cut: 0 });
  assert.equal(clock.pendingTimers, 0);
});

test("egress without a workload is done after one quiet spell, as a native sidecar with 2 s left needs", async () => {
  const { clock, lifecycle, listeners } = setUp("egress");
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(1_000);
  assert.equal((await report).took, 1_000);
});

test("connections that come and go between two looks keep egress accepting", async () => {
  const { clock, lifecycle, listeners, first } = setUp("egress");
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  for (let second = 0; second < 6; second++) {
    first.seen++;
    await clock.advanceAsync(700);
  }
  assert.deepEqual(first.told, []);
  await clock.advanceAsync(1_000);
  assert.equal(first.told.length, 2);
  await report;
});

test("grace ends the wait for a workload that stays, and what it still has open is cut and counted", async () => {
  const { clock, lifecycle, listeners, first } = setUp("egress");
  first.open = 3;
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(24_999);
  assert.deepEqual(first.told, []);
  await clock.advanceAsync(1);
  assert.deepEqual(first.told, ["stop@25000", "drain@25000"]);
  assert.deepEqual(await report, { cut: 3, took: 25_000 });
  assert.equal(clock.pendingTimers, 0);
});

test("ingress serves on through settle, then stops accepting and ends when what is in flight has ended", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  first.open = 1;
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(4_999);
  assert.deepEqual(first.told, []);
  assert.ok(
    lifecycle.state.phase === "draining" && !lifecycle.state.refusing,
    "/readyz stays 200 through settle",
  );
  await clock.advanceAsync(1);
  assert.deepEqual(first.told, ["stop@5000", "drain@5000"]);
  assert.ok(lifecycle.state.phase === "draining" && lifecycle.state.refusing);
  await clock.advanceAsync(2_000);
  first.close();
  assert.deepEqual(await report, { cut: 0, took: 7_000 });
  assert.equal(clock.pendingTimers, 0);
});

test("ingress that does not end within grace is cut when grace ends, counted from the signal", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  first.open = 2;
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(25_000);
  assert.deepEqual(await report, { cut: 2, took: 25_000 });
});

test("a settle longer than grace does not outlast it", async () => {
  const { clock, lifecycle, listeners } = setUp("ingress");
  const report = lifecycle.drain("SIGTERM", listeners, { ...TIMES, settle: 60_000 });
  await clock.advanceAsync(25_000);
  assert.equal((await report).took, 25_000);
});

test("both roles drain at once, each in its own way", async () => {
  const { clock, lifecycle, listeners } = setUp("egress", "ingress");
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(5_000);
  assert.deepEqual(
    listeners.map(({ told }) => told[0]),
    ["stop@1000", "stop@5000"],
  );
  assert.equal((await report).took, 5_000);
});

test("a port that clients keep from closing is closed when grace ends", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  first.stopAccepting = (signal) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        first.told.push(`stop@${clock.now()}`);
        resolve();
      });
    });
  const drained = lifecycle.drain("SIGTERM", listeners, { grace: 1000, settle: 100, egressQuiet: 100 });
  await clock.advanceAsync(2_000);
  assert.equal((await drained).cut, 0);
  assert.deepEqual(first.told, ["stop@1000", "drain@1000"]);
});

test("a listener that fails to drain is logged, and the others drain", async () => {
  const { clock, listeners } = setUp("egress", "egress");
  const errors: string[] = [];
  const lifecycle = new Lifecycle(clock, { ...silentLogger, error: (_, message) => errors.push(message) });
  (listeners[0] as FakeListener).stopAccepting = () => Promise.reject(new Error("stuck"));
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(1_000);
  assert.equal((await report).cut, 0);
  assert.deepEqual(errors, ["a listener failed to drain"]);
  assert.equal(listeners[1]?.told.length, 2);
});

test("draining twice is refused", async () => {
  const { clock, lifecycle } = setUp();
  const report = lifecycle.drain("SIGTERM", [], TIMES);
  await assert.rejects(lifecycle.drain("SIGINT", [], TIMES), { code: "already-draining" });
  await clock.advanceAsync(0);
  await report;
});

/** The gate of a listener that writes down what it is told as well; its workload is there until a test says otherwise. */
function gateOf(listener: FakeListener, clock: VirtualClock): { accepts: boolean } {
  const workload = { accepts: true };
  const note = (what: string) => (): void => void listener.told.push(`${what}@${clock.now()}`);
  listener.gate = {
    turnClientsAway: (away) => note(away ? "away" : "welcome")(),
    withhold: note("withhold"),
    letGo: note("let go"),
    busy: () => 0,
    workloadAccepts: () => Promise.resolve(workload.accepts),
    workloadAway: note("workload away"),
    workloadGone: note("workload gone"),
  };
  return workload;
}

test("a gate sends clients elsewhere through settle, as long as its workload is there", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  gateOf(first, clock);
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(5_000);
  await report;
  assert.deepEqual(first.told, ["away@0", "stop@5000", "drain@5000"]);
  assert.equal(clock.pendingTimers, 0);
});

test("where the workload has ended there is nothing to settle: who waits is told, and the port closes", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  const workload = gateOf(first, clock);
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(1_000);
  workload.accepts = false;
  await clock.advanceAsync(100);
  await report;
  assert.deepEqual(first.told, ["away@0", "workload gone@1100", "stop@1100", "drain@1100"]);
  assert.equal(clock.pendingTimers, 0);
});

test("also while the last requests are answered: those that wait would wait for nobody", async () => {
  const { clock, lifecycle, listeners, first } = setUp("ingress");
  const workload = gateOf(first, clock);
  first.open = 1;
  const report = lifecycle.drain("SIGTERM", listeners, TIMES);
  await clock.advanceAsync(6_000);
  workload.accepts = false;
  await clock.advanceAsync(100);
  assert.deepEqual(first.told, ["away@0", "stop@5000", "drain@5000", "workload gone@6100"]);
  first.close();
  await report;
  assert.equal(clock.pendingTimers, 0);
});

test("each listener's end is told, also of one that fails", async () => {
  const { clock, lifecycle, listeners } = setUp("ingress", "egress");
  (listeners[1] as FakeListener).stopAccepting = () => Promise.reject(new Error("no"));
  const ended: DataListener[] = [];
  const report = lifecycle.drain("SIGTERM", listeners, TIMES, (listener) => void ended.push(listener));
  await clock.advanceAsync(5_000);
  await report;
  assert.deepEqual(ended, [listeners[1], listeners[0]]);
});
