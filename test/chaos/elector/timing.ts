/** Short, so that much happens in a minute; what is promised follows from it. */
import { JITTER, type Timing } from "@outrigger/leader-elector";

export const ELECTION = "chaos";
export const TIMING: Timing = { leaseDuration: 3_000, renewDeadline: 2_000, retryPeriod: 500 };

/** A busy machine, a connection made anew, a process's start. */
const SLACK = 1_000;
const LOOK = JITTER * TIMING.retryPeriod;

/** From a fault at the leader until another leads, in milliseconds. */
export const BOUNDS = {
  /** Who looks just after the last renewal sees it for the first time, and waits the lease out. */
  crash: LOOK + TIMING.leaseDuration + SLACK,
  /** The lease is given back: the next look finds it free. */
  graceful: LOOK + SLACK,
  /** More, until the child of a container acts: another process's start. */
  child: 1_500,
};
