import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger, type Logger } from "../log/logger.ts";
import { createMetrics } from "../metrics/create-metrics.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { DataListener } from "./data-listener.ts";
import { GateDrain, type DrainAnswer } from "./gate-drain.ts";
import type { Gate } from "./gate.ts";

/** Writes down what it is told and when; a test sets what its workload has in flight, and whether it is there. */
class FakeGate implements Gate {
  readonly told: string[] = [];
  inFlight = 0;
  accepts = true;
  withholds = false;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }
  #note = (what: string): void => void this.told.push(`${what}@${this.#clock.now()}`);
  turnClientsAway = (away: boolean): void => this.#note(away ? "away" : "welcome");
  withhold = (): void => {
    if (!this.withholds) this.#note("withhold");
    this.withholds = true;
  };
  letGo = (): void => {
    this.#note("let go");
    this.withholds = false;
  };
  busy = (): number => this.inFlight;
  workloadAccepts = (): Promise<boolean> => Promise.resolve(this.accepts);
  workloadAway = (): void => this.#note("workload away");
  workloadGone = (): void => this.#note("workload gone");
}

function setUp(gates = 1) {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const said: string[] = [];
  const say = (_fields: object, message: string): void => void said.push(`${clock.now()} ${message}`);
  const log: Logger = { ...silentLogger, info: say, warn: say };
  const made = Array.from({ length: gates }, () => new FakeGate(clock));
  const listeners = made.map((gate): DataListener => ({
    name: "gate",
    role: "ingress",
    gate,
    connections: () => 0,
    inFlight: () => 0,
    stopAccepting: () => Promise.resolve(),
    drain: () => Promise.resolve(0),
  }));
  const drain = new GateDrain({
    clock,
    log,
    metrics,
    listeners: () => listeners,
    times: () => ({ grace: 20_000, settle: 5_000 }),
  });
  const ask = (): { answer: DrainAnswer | null; at: number } => {
    const asked: { answer: DrainAnswer | null; at: number } = { answer: null, at: NaN };
    void drain.request().then((answer) => Object.assign(asked, { answer, at: clock.now() }));
    return asked;
  };
  const counted = async (): Promise<string[]> =>
    (await metrics.expose()).body.split("\n").filter((line) => line.startsWith("outrigger_drains_total{"));
  return { clock, drain, listeners, gate: made[0] as FakeGate, gates: made, said, ask, counted };
}

const waits = (asked: { answer: DrainAnswer | null }): boolean => asked.answer === null;

test("it is answered after settle, when the workload has finished what it has got; what comes then waits", async () => {
  const { clock, gate, ask, said, counted } = setUp();
  gate.inFlight = 3;
  const asked = ask();
  await clock.advanceAsync(4_999);
  assert.deepEqual(gate.told, ["away@0"]);
  await clock.advanceAsync(2_000);
  assert.deepEqual(gate.told, ["away@0", "withhold@5000"]);
  assert.ok(waits(asked));
  gate.inFlight = 0;
  await clock.advanceAsync(50);
  assert.deepEqual(asked, {
    answer: { drained: true, detail: "drained in 7s: the workload has no request in flight" },
    at: 7_000,
  });
  assert.deepEqual(said, ["0 drain asked for", "7000 drained: the workload may end"]);
  assert.deepEqual(await counted(), ['outrigger_drains_total{outcome="drained"} 1']);
});

test("an idle gate answers when settle is over", async () => {
  const { clock, ask } = setUp();
  const asked = ask();
  await clock.advanceAsync(4_999);
  assert.ok(waits(asked));
  await clock.advanceAsync(1);
  assert.equal(asked.answer?.drained, true);
});

test("when grace ends first the answer is no, and says how many requests are left", async () => {
  const { clock, gate, ask, counted } = setUp();
  gate.inFlight = 2;
  const asked = ask();
  await clock.advanceAsync(19_999);
  assert.ok(waits(asked));
  await clock.advanceAsync(1);
  assert.deepEqual(asked.answer, {
    drained: false,
    detail: "the workload still has 2 requests in flight after 20s (grace)",
  });
  assert.deepEqual(await counted(), ['outrigger_drains_total{outcome="grace-ended"} 1']);
});

test("a workload that ends then, and restarts, is waited for as at any time", async () => {
  const { clock, drain, gate, ask, said } = setUp();
  ask();
  await clock.advanceAsync(6_000);
  gate.accepts = false;
  await clock.advanceAsync(100);
  assert.deepEqual(gate.told, ["away@0", "withhold@5000", "welcome@6100", "workload away@6100"]);
  await clock.advanceAsync(60_000);
  assert.equal(gate.told.length, 4, "nothing is taken back twice");
  assert.ok(!said.join().includes("cancelled"));
  assert.equal(clock.pendingTimers, 0);
  assert.equal(drain.takeOver(), 0, "the pod's end, later, has a settle of its own");
});

test("when nothing follows for 5 s it is taken back, and may be asked for again", async () => {
  const { clock, gate, ask, said, counted } = setUp();
  ask();
  await clock.advanceAsync(9_999);
  assert.deepEqual(gate.told, ["away@0", "withhold@5000"]);
  await clock.advanceAsync(1);
  assert.deepEqual(gate.told.slice(2), ["welcome@10000", "let go@10000"]);
  assert.match(said.at(-1) ?? "", /^10000 drain cancelled: no SIGTERM followed, and the workload still/);
  assert.deepEqual(await counted(), [
    'outrigger_drains_total{outcome="drained"} 1',
    'outrigger_drains_total{outcome="cancelled"} 1',
  ]);
  assert.equal(clock.pendingTimers, 0);
  const again = ask();
  await clock.advanceAsync(4_999);
  assert.ok(waits(again));
  await clock.advanceAsync(1);
  assert.equal(again.answer?.drained, true);
});

test("asked again after its answer there is another, and what follows that is waited for anew", async () => {
  const { clock, drain, gate, ask, said } = setUp();
  ask();
  await clock.advanceAsync(9_000);
  gate.inFlight = 1;
  const again = ask();
  await clock.advanceAsync(4_999);
  assert.deepEqual(gate.told.slice(2), ["away@9000", "let go@9000"], "its settle is one in which it serves");
  await clock.advanceAsync(1_001);
  assert.equal(gate.told.at(-1), "withhold@14000");
  assert.ok(waits(again));
  assert.ok(!gate.told.includes("welcome@10000"), "the first is not taken back any more");
  gate.inFlight = 0;
  await clock.advanceAsync(50);
  assert.deepEqual([again.answer?.drained, again.at], [true, 15_050]);
  assert.equal(drain.takeOver(), 6_050, "settle is counted from the last");
  await clock.advanceAsync(60_000);
  assert.ok(!said.join().includes("cancelled"));
  assert.equal(clock.pendingTimers, 0);
});

test("what waited for as long as it may has been let go: at the answer requests wait again", async () => {
  const { clock, gate, ask } = setUp();
  gate.inFlight = 1;
  const asked = ask();
  await clock.advanceAsync(15_000);
  gate.letGo();
  gate.inFlight = 0;
  await clock.advanceAsync(50);
  assert.equal(asked.answer?.drained, true);
  assert.deepEqual(gate.told, ["away@0", "withhold@5000", "let go@15000", "withhold@15050"]);
});

test("two who ask share one drain", async () => {
  const { clock, gate, ask } = setUp();
  gate.inFlight = 1;
  const first = ask();
  await clock.advanceAsync(4_000);
  const second = ask();
  await clock.advanceAsync(1_000);
  gate.inFlight = 0;
  await clock.advanceAsync(50);
  assert.deepEqual(first, second);
  assert.equal(first.at, 5_050);
  assert.equal(gate.told.filter((what) => what.startsWith("withhold")).length, 1);
});

test("one gate's workload restarts, the other's stays: each is told its own", async () => {
  const { clock, gates, ask } = setUp(2);
  const [one, other] = gates as [FakeGate, FakeGate];
  ask();
  await clock.advanceAsync(5_000);
  one.accepts = false;
  await clock.advanceAsync(5_000);
  assert.deepEqual(one.told.slice(2), ["welcome@5100", "workload away@5100"]);
  assert.deepEqual(other.told.slice(2), ["welcome@10000", "let go@10000"]);
});

test("as an ordinary container: SIGTERM comes with it, and the answer when the lifecycle is done with the gates", async () => {
  const { clock, drain, listeners, gate, ask } = setUp();
  gate.inFlight = 1;
  const asked = ask();
  await clock.advanceAsync(10);
  assert.equal(drain.takeOver(), 10, "so much of settle is over");
  await clock.advanceAsync(8_000);
  assert.ok(waits(asked));
  assert.deepEqual(gate.told, ["away@0", "let go@10"], "the lifecycle waits for all: nobody is kept back");
  gate.inFlight = 0;
  drain.listenerEnded(listeners[0] as DataListener);
  await clock.advanceAsync(0);
  assert.equal(asked.answer?.drained, true);
  await drain.answered();
  assert.equal(clock.pendingTimers, 0);
});

test("or just before it", async () => {
  const { clock, drain, listeners, gate, ask } = setUp(2);
  assert.equal(drain.takeOver(), 0);
  const asked = ask();
  await clock.advanceAsync(30_000);
  assert.ok(waits(asked));
  assert.ok(!gate.told.some((what) => what.startsWith("withhold")));
  for (const listener of listeners) {
    assert.ok(waits(asked));
    drain.listenerEnded(listener);
    await clock.advanceAsync(0);
  }
  assert.equal(asked.answer?.drained, true);
});

test("asked when all has ended already it is answered at once", async () => {
  const { clock, drain, listeners, ask } = setUp();
  drain.takeOver();
  drain.listenerEnded(listeners[0] as DataListener);
  const asked = ask();
  await clock.advanceAsync(0);
  assert.equal(asked.answer?.drained, true);
  await drain.answered();
});

test("as a native sidecar: SIGTERM comes when the workload has ended, and ends the wait for what may follow", async () => {
  const { clock, drain, gate, ask, said } = setUp();
  ask();
  await clock.advanceAsync(5_020);
  assert.equal(drain.takeOver(), 5_020);
  assert.deepEqual(gate.told, ["away@0", "withhold@5000", "let go@5020"]);
  await clock.advanceAsync(60_000);
  assert.equal(gate.told.length, 3);
  assert.ok(!said.join().includes("cancelled"));
  assert.equal(clock.pendingTimers, 0);
});

test("a gate that a reload took away keeps nobody waiting", async () => {
  const { clock, drain, listeners, ask } = setUp();
  const asked = ask();
  await clock.advanceAsync(10);
  listeners.length = 0;
  assert.equal(drain.hasGate, false);
  drain.takeOver();
  await clock.advanceAsync(0);
  assert.equal(asked.answer?.drained, true);
});
