/**
 * Loaded into a front (node --import): it kills, with SIGKILL, at the TURN-th of its turns from a caller's connection on. A turn
 * is what async_hooks calls `before`: each continuation of an await, and each event of a socket, a file or a timer. So whatever
 * is between two awaits of ours, of BullMQ or of a client, has been done up to one of them, and not beyond.
 */
import { createHook } from "node:async_hooks";
import { readFileSync } from "node:fs";

export interface Strike {
  /** From 1; the first is the connection itself. 0: none, any more. */
  readonly turn: number;
  /** Goes with its children. */
  readonly victim: number;
}

const listening = new Set<number>();
let left = 0;
let hasBegun = false;
let victim = 0;

createHook({
  init(id, type) {
    if (type === "TCPSERVERWRAP") listening.add(id);
  },
  before(id) {
    if (left === 0 || !(hasBegun ||= listening.has(id))) return;
    if (--left === 0) kill();
  },
}).enable();

function kill(): void {
  if (victim !== process.pid) {
    // First: then it begins no further children.
    process.kill(victim, "SIGSTOP");
    const children = readFileSync(`/proc/${victim}/task/${victim}/children`, "utf8");
    for (const child of children.split(" ").filter(Boolean)) process.kill(Number(child), "SIGKILL");
  }
  process.kill(victim, "SIGKILL");
}

process.on("message", (strike: Strike) => {
  left = strike.turn;
  victim = strike.victim;
  hasBegun = false;
  process.send?.("armed");
});
