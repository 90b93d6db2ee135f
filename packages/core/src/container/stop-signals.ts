/** What a person or a supervisor asks for by signals: the first stops in order, a second ends everything at once. */
import type { EventEmitter } from "node:events";
import type { Clock } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

/**
 * One Ctrl-C (or one kill of the process group) arrives twice under npm and npx: they pass on what the group has had
 * already. The same signal within this time is the same request; nobody presses twice so fast and means it.
 */
const SAME_REQUEST: Milliseconds = 250;

/**
 * Calls `first` with the first of these signals, `again` with each that is a request of its own after it.
 * @param source what emits the signals
 * @returns the removal
 */
export function onStopSignals<Name extends NodeJS.Signals>(
  names: readonly Name[],
  clock: Pick<Clock, "now">,
  first: (name: Name) => void,
  again: (name: Name) => void,
  source: EventEmitter = process,
): () => void {
  let last: { readonly name: Name; readonly at: Milliseconds } | null = null;
  const onSignal = (name: Name): void => {
    const at = clock.now();
    const before = last;
    if (before !== null && before.name === name && at - before.at < SAME_REQUEST) return;
    last = { name, at };
    if (before === null) first(name);
    else again(name);
  };
  for (const name of names) source.on(name, onSignal);
  return () => {
    for (const name of names) source.off(name, onSignal);
  };
}
