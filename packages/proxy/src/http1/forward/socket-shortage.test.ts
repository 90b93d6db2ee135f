/** When a connection may be tried, when a line is stuck, and how often the log is told. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { SocketShortage } from "./socket-shortage.ts";

function shortage() {
  const clock = new VirtualClock();
  const told: string[] = [];
  const short = new SocketShortage(clock, (detail) => told.push(detail));
  /** A second goes by, and the sweep comes. */
  const sweep = (somebodyWaits = true): boolean => {
    clock.advance(1000);
    return short.sweep(clock.now(), somebodyWaits);
  };
  /** As many connections as may be tried, at most ten. */
  const tries = (): number => {
    for (let count = 0; count < 10; count++) {
      if (!short.mayOpen(clock.now())) return count;
      short.opening(clock.now());
    }
    return 10;
  };
  return { clock, told, short, sweep, tries };
}

it("without a failure every connection may be tried, and nobody is stuck", () => {
  const { sweep, tries, told } = shortage();
  for (let second = 0; second < 20; second++) assert.equal(sweep(), false);
  assert.equal(tries(), 10);
  assert.deepEqual(told, []);
});

it("after a failure one is tried with each socket that is freed, and four at a sweep", () => {
  const { short, sweep, tries } = shortage();
  short.failed("EMFILE");
  assert.equal(tries(), 0);
  short.socketFreed();
  short.socketFreed();
  assert.equal(tries(), 2);
  sweep();
  assert.equal(tries(), 4);
});

it("a failure says that the sockets thought free are not", () => {
  const { short, tries } = shortage();
  short.failed("EMFILE");
  short.socketFreed();
  short.failed("EMFILE");
  assert.equal(tries(), 0);
});

it("it is over when a sweep's time brought no failure; the log is told once for each shortage", () => {
  const { short, sweep, tries, told } = shortage();
  for (let second = 0; second < 4; second++) {
    short.failed("first");
    sweep();
  }
  assert.equal(short.goesOn, true);
  sweep();
  assert.equal(short.goesOn, false);
  assert.equal(tries(), 10);
  short.failed("second");
  assert.deepEqual(told, ["first", "second"]);
});

it("a line is stuck when five sweeps of failures gave no place back; a freed socket or a place begins anew", () => {
  const { short, sweep } = shortage();
  const failing = (): boolean => {
    short.failed("EMFILE");
    return sweep();
  };
  const five = Array<boolean>(5).fill(false);
  assert.deepEqual([...five, true, true], Array.from({ length: 7 }, failing));
  short.placeGivenBack();
  assert.deepEqual([...five, true], Array.from({ length: 6 }, failing));
  short.socketFreed();
  assert.deepEqual([...five, true], Array.from({ length: 6 }, failing));
});

it("where nobody waits nothing is stuck, however long it lasts", () => {
  const { short, sweep } = shortage();
  for (let second = 0; second < 20; second++) {
    short.failed("EMFILE");
    assert.equal(sweep(false), false);
  }
});
