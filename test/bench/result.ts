/** What a bench measured, as it is kept in test/bench/results, and judged against what performance must reach. */

export interface Must {
  readonly peer: string;
  /** Our CPU per request over the peer's; Infinity: printed only. */
  readonly atMost: number;
  readonly aim?: number;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly musts: readonly Must[];
}

export interface PeerResult {
  readonly name: string;
  /** Median over the rounds. */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly p99Milliseconds: number;
  /** Each round's CPU, in order. */
  readonly all: readonly number[];
}

export interface BenchResult {
  readonly bench: string;
  readonly node: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly missing: readonly string[];
  readonly workloads: readonly (Workload & { readonly peers: readonly PeerResult[] })[];
}

export const OURS = "outrigger";

/**
 * Ours over the peer's, as the median of the ratios of the rounds: both were measured seconds apart, so that a machine
 * that changes its speed changes both. NaN when one of them is missing.
 */
export function ratio(peers: readonly PeerResult[], peer: string): number {
  const ours = peers.find(({ name }) => name === OURS)?.all ?? [];
  const theirs = peers.find(({ name }) => name === peer)?.all ?? [];
  const ratios = ours.map((value, round) => value / (theirs[round] ?? NaN)).sort((a, b) => a - b);
  const middle = ratios.length >> 1;
  return ratios.length % 2 === 1
    ? (ratios[middle] ?? NaN)
    : ((ratios[middle - 1] ?? NaN) + (ratios[middle] ?? NaN)) / 2;
}
