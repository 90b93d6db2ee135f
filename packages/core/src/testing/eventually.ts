/** Polls a condition that real I/O will make true; the only waiting that a test of sockets or files needs. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** @throws AssertionError after ten seconds, with `what` */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (holds()) return;
    await pause(5);
  }
  assert.fail(`in ten seconds it did not come true that ${what}`);
}
