/**
 * What a start leaves in the heap, given back once: modules and schemas are read and thrown away, the heap grows for it, and in
 * a process that does hardly anything afterwards V8 never comes to shrink it (5 to 12 MB of resident memory, Node 24).
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock, Timer } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

/** First requests and connections are made by then. */
const AFTER: Milliseconds = 3_000;

export type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/** Collects once, a while after the start; nothing runs for up to 100 ms then. */
export function collectStartGarbage(clock: Clock, collect: Collect = collectNow): Timer {
  return clock.timer(AFTER, () => collect({ type: "major", execution: "sync", flavor: "last-resort" }));
}

/**
 * V8's `gc`, which a context has that is made while this flag is set. Node with --expose-gc from its start would do without the
 * compiled code that it brings of its own modules, for V8 was told otherwise when that was made: 60 ms of each start.
 */
const collectNow: Collect = (options) => {
  setFlagsFromString("--expose-gc");
  try {
    const collect = runInNewContext("gc") as (options?: object) => void;
    collect(options);
    // What Node 20 collects by; Node 24 hardly does a thing without the options.
    collect();
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
};
