/**
 * Which endpoints may be picked now. Built anew when a state changes, not when a request comes.
 *
 * An endpoint is a member if discovery lists it with a weight above 0, and available if it is also healthy and not
 * ejected. Levels of priority (RFC 2782) are taken in rising order: the first whose available share is at least the
 * panic threshold serves. If none is, the upstream panics, as Envoy does: everything looks broken, so more likely our
 * judgement is, and all members of the first level with an available endpoint (else of the first level) are used.
 * Unlike Envoy, load is not split between levels in proportion to their health.
 */
import type { Endpoint } from "../endpoint/endpoint.ts";

export interface Pool {
  readonly eligible: readonly Endpoint[];
  readonly panic: boolean;
  /** Members of any level, and how many of those are available. */
  readonly members: number;
  readonly available: number;
  /** Running sums of weight over `eligible`; null if all weigh the same. */
  readonly cumulativeWeight: Float64Array | null;
}

export const emptyPool: Pool = {
  eligible: [],
  panic: false,
  members: 0,
  available: 0,
  cumulativeWeight: null,
};

export function isAvailable(endpoint: Endpoint): boolean {
  return endpoint.healthy && endpoint.ejectedUntil === 0;
}

/** @param panicThreshold share of available members, 0..1; 0 = never panic: nothing available, nothing eligible */
export function buildPool(endpoints: readonly Endpoint[], panicThreshold: number): Pool {
  const members = endpoints.filter((endpoint) => endpoint.weight > 0 && !endpoint.removed);
  const available = members.filter(isAvailable).length;
  const { eligible, panic } = choose(members, panicThreshold);
  return { eligible, panic, members: members.length, available, cumulativeWeight: cumulate(eligible) };
}

function choose(
  members: readonly Endpoint[],
  panicThreshold: number,
): { eligible: readonly Endpoint[]; panic: boolean } {
  if (members.length === 0) return { eligible: [], panic: false };
  const priorities = [...new Set(members.map((endpoint) => endpoint.priority))].sort((a, b) => a - b);
  let fallback: Endpoint[] | null = null;
  for (const priority of priorities) {
    const level = members.filter((endpoint) => endpoint.priority === priority);
    const available = level.filter(isAvailable);
    if (available.length === 0) continue;
    if (available.length >= panicThreshold * level.length) return { eligible: available, panic: false };
    fallback ??= level;
  }
  if (panicThreshold === 0) return { eligible: [], panic: false };
  fallback ??= members.filter((endpoint) => endpoint.priority === priorities[0]);
  return { eligible: fallback, panic: true };
}

function cumulate(eligible: readonly Endpoint[]): Float64Array | null {
  const first = eligible[0];
  if (!first || eligible.every((endpoint) => endpoint.weight === first.weight)) return null;
  const sums = new Float64Array(eligible.length);
  let sum = 0;
  for (const [index, endpoint] of eligible.entries()) sums[index] = sum += endpoint.weight;
  return sums;
}
