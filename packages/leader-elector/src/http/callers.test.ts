import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { Callers } from "./callers.ts";

const never = new AbortController().signal;
const requestOn = (socket: EventEmitter, remoteAddress = "127.0.0.1"): IncomingMessage =>
  ({ socket: Object.assign(socket, { remoteAddress }) }) as unknown as IncomingMessage;

function setUp() {
  const clock = new VirtualClock();
  const callers = new Callers(clock);
  const state = { gone: null as boolean | null };
  const wait = (signal = never): void => void callers.gone(signal).then((gone) => (state.gone = gone));
  return { clock, callers, state, wait };
}

test("where nobody ever asked, nobody is waited for", async () => {
  const { clock, state, wait } = setUp();
  wait();
  await clock.advanceAsync(0);
  assert.equal(state.gone, true);
});

test("a workload is at work while a connection of its is open, and for a second after it has closed", async () => {
  const { clock, callers, state, wait } = setUp();
  const socket = new EventEmitter();
  callers.saw(requestOn(socket));
  callers.saw(requestOn(socket));
  assert.equal(callers.connections, 1);
  wait();
  await clock.advanceAsync(60_000);
  assert.equal(state.gone, null);
  socket.emit("close");
  await clock.advanceAsync(900);
  assert.equal(state.gone, null);
  await clock.advanceAsync(150);
  assert.equal(state.gone, true);
});

test("one that polls is at work for as long as it comes again within a second", async () => {
  const { clock, callers, state, wait } = setUp();
  const poll = (): void => {
    const socket = new EventEmitter();
    callers.saw(requestOn(socket));
    socket.emit("close");
  };
  poll();
  wait();
  for (let n = 0; n < 10; n++) {
    await clock.advanceAsync(900);
    poll();
  }
  assert.equal(state.gone, null);
  await clock.advanceAsync(1_100);
  assert.equal(state.gone, true);
});

test("one that stays is not gone when the time is up", async () => {
  const { clock, callers, state, wait } = setUp();
  callers.saw(requestOn(new EventEmitter()));
  const limit = new AbortController();
  wait(limit.signal);
  await clock.advanceAsync(5_000);
  limit.abort();
  await clock.advanceAsync(100);
  assert.equal(state.gone, false);
  assert.equal(clock.pendingTimers, 0);
});

test("whoever is of another pod is not waited for", async () => {
  const { clock, callers, state, wait } = setUp();
  for (const address of ["10.0.0.7", "::ffff:10.0.0.7", "fd00::7"])
    callers.saw(requestOn(new EventEmitter(), address));
  wait();
  await clock.advanceAsync(0);
  assert.equal(state.gone, true);
  for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
    callers.saw(requestOn(new EventEmitter(), address));
  assert.equal(callers.connections, 3);
});
