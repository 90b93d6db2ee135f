/** An election as HTTP tells it. The token is a JSON number of as many digits as it has. */
import type { Change } from "../elector/change-log.ts";
import type { Elector } from "../elector/elector.ts";
import type { View } from "../elector/view.ts";

/** Computed at the call. */
export function standingJson(elector: Elector): string {
  const { view } = elector;
  const { record, expiresIn } = elector.candidate;
  const known = view.leader === null ? null : record;
  return withToken(view, {
    election: view.election,
    id: view.id,
    acquiredAt: known === null ? null : isoTime(known.acquiredAt),
    renewedAt: known === null ? null : isoTime(known.renewedAt),
    expiresInMs: Math.round(expiresIn),
    address: view.leaderAddress,
    state: view.state,
    heldBack: view.heldBack,
  });
}

/** As it was when it changed. */
export function changeJson({ id, entry }: Change<View>): string {
  return withToken(entry, { change: id, election: entry.election, state: entry.state });
}

/** JSON.stringify takes no BigInt, and a number would lose digits beyond 2^53. */
function withToken({ leader, isLeader, token }: View, rest: object): string {
  const head = JSON.stringify({ name: leader, isLeader }).slice(0, -1);
  return `${head},"token":${token},${JSON.stringify(rest).slice(1)}`;
}

/** The last millisecond that a Date can hold. */
const LAST = 8.64e15;

/** Microseconds since 1970, by the holder's clock; null where whoever wrote the lease has not said. */
function isoTime(micros: number): string | null {
  const millis = Math.floor(micros / 1_000);
  return millis > 0 && millis <= LAST ? new Date(millis).toISOString() : null;
}
