import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { onStopSignals } from "./stop-signals.ts";

for (const [sentence, signals, heard] of [
  ["one signal is the first", [["SIGINT", 0]], ["first SIGINT"]],
  [
    "the same signal again at once, which npm passes on, is the same request",
    [
      ["SIGTERM", 0],
      ["SIGTERM", 1],
      ["SIGTERM", 200],
    ],
    ["first SIGTERM"],
  ],
  [
    "the same signal later is a second request",
    [
      ["SIGINT", 0],
      ["SIGINT", 250],
    ],
    ["first SIGINT", "again SIGINT"],
  ],
  [
    "another signal is a second request, however soon",
    [
      ["SIGTERM", 0],
      ["SIGINT", 0],
    ],
    ["first SIGTERM", "again SIGINT"],
  ],
] as const) {
  test(sentence, () => {
    const clock = new VirtualClock();
    const source = new EventEmitter();
    const said: string[] = [];
    const remove = onStopSignals(
      ["SIGINT", "SIGTERM"],
      clock,
      (name) => said.push(`first ${name}`),
      (name) => said.push(`again ${name}`),
      source,
    );
    for (const [name, after] of signals) {
      clock.advance(after);
      source.emit(name, name);
    }
    assert.deepEqual(said, heard);
    remove();
    assert.deepEqual(source.eventNames(), []);
  });
}
