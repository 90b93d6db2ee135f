/** Where a request to the forward port goes at this moment: to the workload here, to the leader elsewhere, or nowhere. */
import type { IncomingHttpHeaders } from "node:http";
import { parseHostPort, type HostPort } from "@outrigger/core";
import type { Reply, Target } from "@outrigger/proxy/pass-through";
import type { Duty, Term } from "./duty.ts";

/** The fencing token, as the workload gets it. */
export const TOKEN_HEADER = "x-outrigger-token";
/** The leader's id, as the workload gets it. */
export const LEADER_HEADER = "x-outrigger-leader";
/** On a request that a replica has sent on. Who forges it is at most told that the leader is elsewhere. */
export const HOP_HEADER = "x-outrigger-hop";

const OURS = [TOKEN_HEADER, LEADER_HEADER, HOP_HEADER];

/** `address`: HOST:PORT; null: it has said none. */
export type Leader = Parameters<NonNullable<Duty["follow"]>>[0];

export type Way =
  | { readonly to: "self"; readonly target: Target }
  | { readonly to: "leader"; readonly target: Target; readonly leader: Leader }
  | { readonly to: "none"; readonly reply: Reply };

export class ForwardWay {
  readonly #id: string;
  readonly #workload: Required<HostPort>;
  term: Term | null = null;
  leader: Leader = null;

  /** @param id of this candidate, so that it never takes itself for another */
  constructor(id: string, workload: Required<HostPort>) {
    this.#id = id;
    this.#workload = workload;
  }

  /** Belief is computed here, and once more right before the first byte is sent. */
  of(headers: IncomingHttpHeaders): Way {
    const { term, leader } = this;
    if (term?.isLeading === true)
      return {
        to: "self",
        target: {
          ...this.#workload,
          removeHeaders: OURS,
          setHeaders: { [TOKEN_HEADER]: String(term.token), [LEADER_HEADER]: term.id },
          stillWanted: () => this.term === term && term.isLeading,
        },
      };
    if (headers[HOP_HEADER] !== undefined)
      return nowhere(
        "not-leader",
        "this replica does not lead now; the one that sent the request here will see who does",
      );
    if (leader === null || leader.id === this.#id)
      return nowhere("no-leader", "nobody leads at the moment; there will be an election");
    const address = leader.address === null ? null : parseHostPort(leader.address);
    if (address?.host === undefined)
      return nowhere(
        "no-address",
        `the leader ${leader.id} does not say where it is reached: it needs a forward port, too`,
      );
    return {
      to: "leader",
      leader,
      target: {
        host: address.host,
        port: address.port,
        removeHeaders: OURS,
        setHeaders: { [HOP_HEADER]: "1" },
      },
    };
  }

  /** Whether there is somebody else to try than `tried`. */
  isOther(tried: Leader): boolean {
    if (this.term?.isLeading === true) return true;
    return this.leader !== null && this.leader !== tried && this.leader.id !== this.#id;
  }
}

const nowhere = (reason: string, message: string): Way => ({
  to: "none",
  reply: { status: 503, reason, message, retryAfter: 1 },
});
