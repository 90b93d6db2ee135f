/** An election as this replica sees it at one moment: what HTTP tells, and what changes are changes of. */
import type { HeldBack } from "./hold-backs.ts";

export interface View {
  readonly election: string;
  /** Of this candidate. */
  readonly id: string;
  /** Who leads as far as is known; null: nobody. */
  readonly leader: string | null;
  readonly leaderAddress: string | null;
  /** Whether this candidate leads, all its duties have begun, and none is told to end. */
  readonly isLeader: boolean;
  /** The fencing token; null unless isLeader. */
  readonly token: bigint | null;
  readonly state: "standby" | "beginning" | "leading" | "ending";
  /** Why it does not campaign; empty: it does. */
  readonly heldBack: readonly HeldBack[];
}

/** Whether there is nothing between them that a reader would want to hear of. */
export function isSameView(one: View, other: View): boolean {
  const keys = ["leader", "leaderAddress", "isLeader", "token", "state"] as const;
  return keys.every((key) => one[key] === other[key]);
}
