/**
 * What a start leaves in the heap, given back once: modules and schemas are read and thrown away, the heap grows for it, and in
 * a process that does hardly anything afterwards V8 never comes to shrink it (5 to 12 MB of resident memory, Node 24).
 */
import type { Clock, Timer } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

/** First requests and connections are made by then. */
const AFTER: Milliseconds = 3_000;

export type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/**
 * Collects once, a while after the start; nothing runs for up to 100 ms then.
 * @param collect of a Node that was started with --expose-gc, as the images are; without it nothing happens
 */
export function collectStartGarbage(
  clock: Clock,
  collect = (globalThis as { gc?: Collect }).gc,
): Timer | null {
  if (collect === undefined) return null;
  return clock.timer(AFTER, () => collect({ type: "major", execution: "sync", flavor: "last-resort" }));
}
