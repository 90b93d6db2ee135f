/** The algorithm's rules, one by one; what they add up to is the simulation's (election.test.ts). */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import { held } from "../testing/lease-record.ts";
import { Election, type Action } from "./election.ts";
import type { LeaseRecord, Sighting } from "./lease-store.ts";
import { checkTiming, DEFAULT_TIMING } from "./timing.ts";

const WALL = 1_800_000_000_000;
let election: Election;
let now: number;
let revision: number;
/** What stands in the store. */
let stands: Sighting;

beforeEach(() => {
  election = new Election("a", DEFAULT_TIMING, { random: () => 0.5, wallTime: () => WALL + now });
  now = 1_000;
  revision = 7;
  stands = { record: null, version: "7" };
});

function put(record: LeaseRecord): void {
  stands = { record, version: String(++revision) };
}

/** Its next action, which must be of this kind; sent now. */
function send<Kind extends Action["kind"]>(kind: Kind): Extract<Action, { kind: Kind }> {
  const action = election.next(now);
  assert.equal(action.kind, kind, `at ${now}: ${inspect(action)}`);
  election.sent(action, now);
  return action as Extract<Action, { kind: Kind }>;
}

function read(): void {
  send("read");
  election.read(stands, now);
}

/** A write that is answered after so long. */
function write(after = 0): Extract<Action, { kind: "write" }> {
  const action = send("write");
  assert.equal(action.over.version, stands.version);
  put(action.record);
  now += after;
  election.written({ ...stands, token: BigInt(revision) }, now);
  return action;
}

const waitsUntil = (): number => {
  const action = election.next(now);
  assert.equal(action.kind, "wait", inspect(action));
  return action.kind === "wait" ? action.until : NaN;
};

/** It leads, since now. */
function lead(): void {
  read();
  write();
  assert.ok(election.leads(now));
}

describe("a candidate", () => {
  it("takes a lease that is not there, and one that was released, after it has looked", () => {
    assert.ok(!election.leads(now));
    read();
    const { record, acquires } = write();
    assert.deepEqual(record, {
      holder: "a",
      leaseDuration: 15_000,
      acquiredAt: (WALL + 1_000) * 1_000 + 500,
      renewedAt: (WALL + 1_000) * 1_000,
      transitions: 0,
      address: "",
    });
    assert.ok(acquires);
    assert.deepEqual([election.leads(now), election.token(now), election.leader(now)], [true, 8n, "a"]);
  });

  it("counts a change of holder, and none when it follows itself", () => {
    put(held(""));
    read();
    assert.equal(write().record.transitions, 4);
  });

  it("leaves another's lease alone until it has seen it unchanged for leaseDuration, and looks meanwhile", () => {
    put(held("b"));
    read();
    assert.equal(election.leader(now), "b");
    assert.equal(waitsUntil(), now + 2_000 * 1.1);
    for (; now < 15_999; now = waitsUntil()) if (election.next(now).kind === "read") read();
    assert.equal(now, 16_000, "it wakes when the lease expires, not at the next look");
    assert.equal(election.leader(now), null);
    assert.equal(election.next(now - 1).kind, "wait");
    write();
    assert.ok(election.leads(now));
  });

  it("begins to count anew with each change, whatever the record's times say", () => {
    put(held("b", { renewedAt: 5 }));
    read();
    now += 14_000;
    put(held("b", { renewedAt: 5 }));
    read();
    now += 14_999;
    assert.notEqual(election.next(now).kind, "write");
    now += 1;
    assert.equal(election.next(now).kind, "write");
  });

  for (const [theirs, counts] of [
    [60_000, 60_000],
    [3_000, 15_000],
  ] as const)
    it(`waits for the longer lease where the holder was configured otherwise: with ${theirs} ms`, () => {
      put(held("b", { leaseDuration: theirs }));
      read();
      now += counts - 1;
      assert.notEqual(election.next(now).kind, "write");
      now += 1;
      assert.equal(election.next(now).kind, "write");
    });

  it("takes one of its own name for another, unless it was its own acquisition", () => {
    put(held("a"));
    read();
    assert.notEqual(election.next(now).kind, "write");
  });

  it("looks again at once when somebody was faster", () => {
    read();
    send("write");
    election.conflicted(now);
    put(held("b"));
    read();
    assert.equal(election.leader(now), "b");
  });

  it("with an acquisition unanswered neither leads nor takes it for free: it looks, and acquires what it finds to be its own", () => {
    read();
    const { record } = send("write");
    now += 5_000;
    election.unanswered(now);
    assert.ok(!election.leads(now));
    now = waitsUntil();
    put(record);
    read();
    const again = write();
    assert.ok(again.acquires);
    assert.equal(again.record.transitions, 0);
    assert.equal(election.token(now), 9n, "under the token of the write that was answered");
  });
});

describe("a leader", () => {
  it("believes until renewDeadline after its last answered renewal was sent, not after its answer", () => {
    read();
    write(3_000);
    assert.equal(election.believesUntil, 11_000);
    now = 10_999;
    assert.ok(election.leads(now));
    now = 11_000;
    assert.deepEqual([election.leads(now), election.token(now), election.leader(now)], [false, null, null]);
  });

  it("does not believe in an acquisition that was answered too late", () => {
    read();
    write(10_000);
    assert.ok(!election.leads(now));
    assert.ok(write().acquires, "it acquires anew");
  });

  it("renews each retryPeriod, counted from when it sent", () => {
    read();
    write(300);
    assert.equal(waitsUntil(), 3_000);
    now = 3_000;
    const { acquires, record } = write(100);
    assert.ok(!acquires);
    assert.equal(record.transitions, 0);
    assert.equal(election.token(now), 8n, "the token stays");
    assert.equal(election.believesUntil, 13_000);
    assert.equal(waitsUntil(), 5_000);
  });

  it("stays while renewals go unanswered, until its deadline, looking before it writes", () => {
    lead();
    now = waitsUntil();
    send("write");
    now += 5_000;
    election.unanswered(now);
    assert.ok(election.leads(now));
    now = waitsUntil();
    read();
    assert.ok(!write().acquires);
    assert.equal(election.token(now), 8n);
  });

  it("that lapsed acquires anew, under a new token, when nobody else has come: also with a renewal answered late", () => {
    lead();
    now = waitsUntil();
    write(8_000);
    assert.ok(!election.leads(now));
    assert.ok(write().acquires);
    assert.equal(election.token(now), 10n);
  });

  it("is none any more when it sees another's name, or its own from another acquisition", () => {
    for (const record of [held("b"), held("a"), held("")]) {
      election = new Election("a", DEFAULT_TIMING, { random: () => 0.5, wallTime: () => WALL });
      stands = { record: null, version: String(++revision) };
      lead();
      now = waitsUntil();
      send("write");
      election.conflicted(now);
      put(record);
      read();
      assert.ok(!election.leads(now), JSON.stringify(record));
    }
  });

  it("that stops believes no more at once, and gives the lease back, once", () => {
    lead();
    now += 500;
    election.stop();
    assert.ok(!election.leads(now));
    const { record, acquires } = write();
    assert.deepEqual([record.holder, record.leaseDuration, acquires], ["", 1_000, false]);
    assert.equal(waitsUntil(), Infinity);
  });

  it("that stops while a renewal is under way gives back what stands then", () => {
    lead();
    now = waitsUntil();
    send("write");
    election.stop();
    assert.equal(waitsUntil(), Infinity, "one request at a time");
    election.unanswered(now);
    now = waitsUntil();
    read();
    assert.equal(write().record.holder, "");
    assert.equal(waitsUntil(), Infinity);
  });

  it("whose holder's lease was deleted waits as long as that may believe; its own it acquires anew at once", () => {
    put(held("b", { leaseDuration: 20_000 }));
    read();
    now = waitsUntil();
    stands = { record: null, version: "0" };
    read();
    const deleted = now;
    while (now < deleted + 20_000) {
      now = waitsUntil();
      if (now < deleted + 20_000) read();
    }
    assert.ok(write().acquires);
    now = waitsUntil();
    send("write");
    stands = { record: null, version: "0" };
    election.conflicted(now);
    read();
    assert.ok(!election.leads(now));
    assert.ok(write().acquires);
  });

  it("that finds no lease where an expired one was deleted takes it at once", () => {
    put(held("b"));
    read();
    now += 15_000;
    const other = send("write");
    assert.ok(other.acquires);
    stands = { record: null, version: "0" };
    election.conflicted(now);
    read();
    assert.ok(write().acquires);
  });

  it("says when it came to lead, not when it first tried", () => {
    read();
    send("write");
    put(held("b"));
    election.conflicted(now);
    read();
    now += 60_000;
    const { record } = write();
    assert.ok(record.acquiredAt >= (WALL + now) * 1_000, `${record.acquiredAt}`);
  });

  it("that lapsed and tried again in vain takes its own lease at once, whichever of its two names it has", () => {
    lead();
    now = waitsUntil();
    send("write");
    election.unanswered(now);
    now += 10_000;
    read();
    send("write");
    election.unanswered(now);
    now = waitsUntil();
    read();
    assert.ok(write().acquires);
  });

  it("writes a record unlike the one it replaces, also when the wall clock stands still", () => {
    election = new Election("a", DEFAULT_TIMING, { random: () => 0, wallTime: () => WALL });
    read();
    // An acquisition without an answer, which was done.
    put(send("write").record);
    election.unanswered(now);
    now = waitsUntil();
    read();
    for (let n = 0; n < 3; n++) {
      const before = stands.record;
      write();
      assert.notDeepEqual(stands.record, before);
      now = waitsUntil();
    }
  });

  it("that withdraws believes no more, gives back, only looks, and campaigns anew under a higher token", () => {
    lead();
    election.withdraw();
    assert.ok(!election.leads(now) && election.isGivingBack);
    assert.equal(write().record.holder, "");
    assert.ok(!election.isGivingBack);
    now = waitsUntil();
    read();
    now = waitsUntil();
    read();
    election.campaign();
    const { record } = write();
    assert.deepEqual([record.holder, election.leads(now), election.token(now)], ["a", true, 10n]);
  });

  it("that withdraws and campaigns at once gives back first, and never believes in between", () => {
    lead();
    election.withdraw();
    election.campaign();
    assert.ok(!election.leads(now));
    assert.equal(write().record.holder, "");
    assert.ok(!election.leads(now));
    const again = write();
    assert.deepEqual([again.record.holder, again.acquires, election.token(now)], ["a", true, 10n]);
  });

  it("that withdraws while its renewal is under way gives back as soon as that is answered", () => {
    lead();
    now = waitsUntil();
    const renewal = send("write");
    election.withdraw();
    put(renewal.record);
    election.written({ ...stands, token: BigInt(revision) }, now);
    assert.ok(!election.leads(now));
    assert.equal(write().record.holder, "");
  });

  it("that withdraws while it acquires gives back what it won, and has not believed", () => {
    read();
    const action = send("write");
    election.withdraw();
    assert.ok(election.isGivingBack);
    put(action.record);
    election.written({ ...stands, token: BigInt(revision) }, now);
    assert.ok(!election.leads(now));
    assert.equal(write().record.holder, "");
    assert.ok(!election.isGivingBack);
  });

  it("that withdrew gives back an acquisition which nobody knew to be done", () => {
    read();
    const action = send("write");
    put(action.record);
    election.withdraw();
    election.unanswered(now);
    now = waitsUntil();
    read();
    now = waitsUntil();
    assert.equal(write().record.holder, "");
  });

  it("that stops after another took over writes nothing; nor does a candidate", () => {
    lead();
    now = waitsUntil();
    send("write");
    election.stop();
    election.conflicted(now);
    put(held("b"));
    read();
    assert.equal(waitsUntil(), Infinity);
    const other = new Election("c", DEFAULT_TIMING, { random: () => 0, wallTime: () => WALL });
    other.stop();
    assert.deepEqual(other.next(now), { kind: "wait", until: Infinity });
  });
});

describe("impossible timings are refused", () => {
  for (const [change, sentence] of [
    [{ leaseDuration: 10_000 }, /leaseDuration 10s is not longer than renewDeadline 10s: another could lead/],
    [
      { renewDeadline: 2_400 },
      /renewDeadline 2\.4s is not longer than 1.2 x retryPeriod 2s: one late renewal/,
    ],
    [{ leaseDuration: 15_500 }, /leaseDuration 15\.5s is not in whole seconds, as the Lease object has it/],
    [{ retryPeriod: 0 }, /retryPeriod must be longer than nothing: it is 0 ms/],
    [{ renewDeadline: NaN }, /renewDeadline must be longer than nothing: it is NaN ms/],
  ] as const)
    it(JSON.stringify(change), () => {
      assert.throws(() => checkTiming({ ...DEFAULT_TIMING, ...change }), sentence);
      assert.throws(
        () =>
          new Election("a", { ...DEFAULT_TIMING, ...change }, { random: Math.random, wallTime: Date.now }),
        { code: "bad-timing" },
      );
    });

  it("all at once, and not those that work", () => {
    checkTiming(DEFAULT_TIMING);
    checkTiming({ leaseDuration: 60_000, renewDeadline: 59_999, retryPeriod: 1 });
    assert.throws(
      () => checkTiming({ leaseDuration: 500, renewDeadline: 1_000, retryPeriod: 1_000 }),
      /another could lead.*\n.*every leadership.*\n.*whole seconds/,
    );
  });
});
