/** What a person or a supervisor asks for by signals: the first stops in order, a second ends everything at once. */
import type { EventEmitter } from "node:events";
import type { Clock, Milliseconds } from "@outrigger/core";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * One Ctrl-C (or one kill of the process group) arrives twice under npm and npx: they pass on what the group has had
 * already. The same signal within this time is the same request; nobody presses twice so fast and means it.
 */
const SAME_REQUEST: Milliseconds = 250;

/**
 * @param source what emits the signals
 * @returns the removal
 */
export function onStopSignals(
  clock: Clock,
  first: (name: NodeJS.Signals) => void,
  again: () => void,
  source: EventEmitter = process,
): () => void {
  let last: { readonly name: NodeJS.Signals; readonly at: Milliseconds } | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    const at = clock.now();
    const before = last;
    if (before !== null && before.name === name && at - before.at < SAME_REQUEST) return;
    last = { name, at };
    if (before === null) first(name);
    else again();
  };
  for (const name of STOP_SIGNALS) source.on(name, onSignal);
  return () => {
    for (const name of STOP_SIGNALS) source.off(name, onSignal);
  };
}
