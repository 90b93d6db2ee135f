/**
 * A want of sockets (EMFILE and its kin): whether a connection may be tried now, and when a line of requests is stuck.
 * While it goes on a new connection is tried only with a socket that was seen to be freed, or as one of a few each sweep.
 */
import type { Clock, Milliseconds } from "@outrigger/core";

/** How often a sweep comes; a failure holds tries back for as long. */
export const SWEEP_INTERVAL: Milliseconds = 1_000;
/** How many of the line may try at a sweep: each that fails costs a connect. */
const TRIES_A_SWEEP = 4;
/** Sweeps without a place given back until the line counts as stuck: endpoints may be slow, tunnels never end. */
const PATIENT_SWEEPS = 5;

export class SocketShortage {
  readonly #clock: Clock;
  readonly #tell: (detail: string) => void;
  /** It has begun, and no whole sweep's time was without a failure since. */
  #goesOn = false;
  #failedSinceSweep = false;
  #heldUntil: Milliseconds = 0;
  /** Sockets with which a connection may be tried all the same. */
  #freed = 0;
  #sweepsWithoutPlace = 0;

  /** @param tell told what the kernel said, once for each shortage */
  constructor(clock: Clock, tell: (detail: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  get goesOn(): boolean {
    return this.#goesOn;
  }

  /** A new connection would hardly get a socket now. */
  get holdsBack(): boolean {
    return this.#clock.now() < this.#heldUntil;
  }

  /** Whether a connection may be tried; to be followed by `opening` when it is. */
  mayOpen(now: Milliseconds): boolean {
    return now >= this.#heldUntil || this.#freed > 0;
  }

  opening(now: Milliseconds): void {
    if (now < this.#heldUntil && this.#freed > 0) this.#freed--;
  }

  /** A connection got no socket. */
  failed(detail: string): void {
    if (!this.#goesOn) this.#tell(detail);
    this.#goesOn = this.#failedSinceSweep = true;
    this.#heldUntil = this.#clock.now() + SWEEP_INTERVAL;
    this.#freed = 0;
  }

  /** A socket of this process was closed. */
  socketFreed(): void {
    this.#freed++;
    this.#sweepsWithoutPlace = 0;
  }

  /** A connection came back from its request: the line moves. */
  placeGivenBack(): void {
    this.#sweepsWithoutPlace = 0;
  }

  /** To be called each SWEEP_INTERVAL. Returns whether the line, where there is one, is stuck. */
  sweep(now: Milliseconds, somebodyWaits: boolean): boolean {
    if (!this.#failedSinceSweep) {
      this.#goesOn = false;
      this.#sweepsWithoutPlace = 0;
      return false;
    }
    this.#failedSinceSweep = false;
    this.#heldUntil = now + SWEEP_INTERVAL;
    this.#freed = TRIES_A_SWEEP;
    return somebodyWaits && ++this.#sweepsWithoutPlace > PATIENT_SWEEPS;
  }
}
