/** What an ingress listener can do for the one workload behind it, so that this may end without losing a request. */
export interface Gate {
  /** Answers say `connection: close` from now on, so that clients go elsewhere with their next request; false: no more. */
  turnClientsAway(away: boolean): void;
  /** Closes client connections that have no request, and lets requests that come wait (where the gate holds at all). */
  withhold(): void;
  /** Lets them go on to the workload; one of them that has waited for as long as it may does that for all, too. */
  letGo(): void;
  /** Requests that the workload has got, and has not finished. */
  busy(): number;
  /** Whether the workload accepts a connection now; also true where there is not one to ask. */
  workloadAccepts(): Promise<boolean>;
  /** It refuses, and will be back: requests wait for that, within their limits. */
  workloadAway(): void;
  /** It will not be back: who waits for it is told so, and nobody waits any more. */
  workloadGone(): void;
}
