/** What contenders wrote down, and what follows: who believed when to lead, by a clock that all of them share. */
import { TIMING } from "./timing.ts";

/** All times in nanoseconds of CLOCK_MONOTONIC. */
export type Entry =
  /** A write of the lease, by the token that it got; between both times it was done. */
  | {
      readonly kind: "acquired" | "renewed";
      readonly from: bigint;
      readonly to: bigint;
      readonly token: bigint;
    }
  /** It was asked whether it leads, at some moment between both times, and did. */
  | { readonly kind: "believed"; readonly from: bigint; readonly to: bigint; readonly token: bigint };

/** A line that a kill cut short says nothing. */
export function parseJournal(text: string): Entry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [kind, from = "", to = "", token = ""] = line.split(" ");
      if (kind !== "acquired" && kind !== "renewed" && kind !== "believed")
        throw new Error(`a journal has the line ${JSON.stringify(line)}`);
      return { kind, from: BigInt(from), to: BigInt(to), token: BigInt(token) };
    });
}

export interface Act {
  readonly at: bigint;
  readonly token: bigint;
  readonly accepted: boolean;
}

/** One leadership, as it was certainly believed in: from the first yes to the last. */
export interface Term {
  readonly contender: string;
  readonly token: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

/** In order. A belief is one stretch: who lapsed acquires anew, under another token. */
export function termsOf(journals: ReadonlyMap<string, readonly Entry[]>): Term[] {
  const terms = new Map<string, { contender: string; token: bigint; from: bigint; to: bigint }>();
  for (const [contender, entries] of journals)
    for (const { kind, from, to, token } of entries) {
      if (kind !== "believed") continue;
      const key = `${contender} ${token}`;
      const term = terms.get(key);
      // Paused between both readings, nothing is certain but the inner bounds.
      if (term === undefined) terms.set(key, { contender, token, from: to, to: from });
      else term.to = from;
    }
  return [...terms.values()].sort((one, other) => (one.from < other.from ? -1 : 1));
}

const MILLISECOND = 1_000_000n;
/** What a candidate's clock is coarse by (core's boot clock), with room. */
const CLOCK_SLACK = 50n * MILLISECOND;

const inMilliseconds = (span: bigint): string => `${(Number(span) / 1e6).toFixed(1)} ms`;

/**
 * What does not hold; empty: all does.
 * @param renewals the journals have them; those of a child do not, which knows nothing of deadlines
 */
export function judgeLedger(
  journals: ReadonlyMap<string, readonly Entry[]>,
  acts: readonly Act[],
  renewals = true,
): string[] {
  const terms = termsOf(journals);
  const broken = [
    ...overlaps(terms),
    ...fallingTokens(journals),
    ...(renewals ? lateBeliefs(journals) : []),
    ...wrongRefusals(terms, acts),
  ];
  let highest = -1n;
  for (const { token, accepted } of acts) {
    if (accepted && token < highest) broken.push(`the resource took token ${token} after ${highest}`);
    if (accepted && token > highest) highest = token;
  }
  if (terms.length === 0) broken.push("nobody ever led");
  return broken;
}

function overlaps(terms: readonly Term[]): string[] {
  const broken: string[] = [];
  let last: Term | undefined;
  for (const term of terms) {
    if (last !== undefined && term.from < last.to)
      broken.push(
        `two led at once: ${last.contender} (token ${last.token}) still for ${inMilliseconds(last.to - term.from)} after ${term.contender} (token ${term.token}) had begun`,
      );
    if (last === undefined || term.to > last.to) last = term;
  }
  return broken;
}

/** An acquisition that began after another had ended has a higher token; no two have the same. */
function fallingTokens(journals: ReadonlyMap<string, readonly Entry[]>): string[] {
  const acquired = [...journals.values()].flat().filter(({ kind }) => kind === "acquired");
  const broken: string[] = [];
  for (const [index, one] of acquired.entries())
    for (const other of acquired.slice(index + 1)) {
      const [first, second] = one.to < other.to ? [one, other] : [other, one];
      if (one.token === other.token) broken.push(`token ${one.token} was given twice`);
      else if (first.to < second.from && second.token < first.token)
        broken.push(`token ${second.token} was given after ${first.token}`);
    }
  return broken;
}

/** Belief begins with an acquisition, and ends renewDeadline after the last answered renewal was sent. */
function lateBeliefs(journals: ReadonlyMap<string, readonly Entry[]>): string[] {
  const broken: string[] = [];
  for (const [contender, entries] of journals) {
    let deadline = -1n;
    let own = -1n;
    for (const { kind, from, token } of entries) {
      if (kind !== "believed") {
        deadline = from + BigInt(TIMING.renewDeadline) * MILLISECOND;
        // A renewal goes on under the token of the acquisition.
        if (kind === "acquired") own = token;
      } else if (own !== token)
        broken.push(`${contender} believed by token ${token}, which is not that of its last acquisition`);
      else if (from > deadline + CLOCK_SLACK)
        broken.push(
          `${contender} (token ${token}) believed ${inMilliseconds(from - deadline)} past its deadline`,
        );
    }
  }
  return broken;
}

/** Who leads at that moment is not refused: nobody with a higher token can have acted before. */
function wrongRefusals(terms: readonly Term[], acts: readonly Act[]): string[] {
  const byToken = new Map(terms.map((term) => [term.token, term]));
  return acts.flatMap(({ at, token, accepted }) => {
    const term = byToken.get(token);
    if (accepted || term === undefined || at < term.from || at > term.to) return [];
    return [`${term.contender} was refused (token ${token}) while it led`];
  });
}
