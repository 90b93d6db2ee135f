/** Health checks as the probe server shows them: each says ok or not, and why, without doing any work when asked. */

export interface HealthState {
  readonly ok: boolean;
  /** Why, in a few words; shown by ?verbose. */
  readonly detail?: string;
}

export interface HealthCheck {
  readonly name: string;
  /** live: not ok means restart me. ready: not ok means send me nothing. startup: not ok means wait. */
  readonly kind: "live" | "ready" | "startup";
  check(): HealthState;
}
