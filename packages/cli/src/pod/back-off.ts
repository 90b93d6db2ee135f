/**
 * The kubelet's CrashLoopBackOff: the first restart is at once, then base x 2^(n-1), capped at 30 x base; a container
 * that ran for 60 x base starts afresh (10 s, 5 min, 10 min with the kubelet's base).
 * Source: kubernetes/pkg/kubelet/kuberuntime doBackOff, client-go/util/flowcontrol.Backoff.
 */
import type { Milliseconds } from "@outrigger/core";

export const KUBELET_BASE: Milliseconds = 10_000;

export class CrashBackOff {
  readonly #base: Milliseconds;
  #next: Milliseconds = 0;

  constructor(base: Milliseconds = KUBELET_BASE) {
    this.#base = base;
  }

  /** How long to wait before the next start. @param ranFor how long the container ran this time */
  next(ranFor: Milliseconds): Milliseconds {
    if (ranFor >= this.#base * 60) this.#next = 0;
    const delay = this.#next;
    this.#next = delay === 0 ? this.#base : Math.min(delay * 2, this.#base * 30);
    return delay;
  }
}
