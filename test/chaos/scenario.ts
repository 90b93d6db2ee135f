/** What a scenario of the chaos suite is, and the stage on which it plays: backends, an ambassador, a workload, faults. */
import type { AmbassadorProcess, RouteSettings } from "../support/ambassador.ts";
import { span, until } from "../support/polling.ts";
import type { Failure, Workload, WorkloadOptions } from "../support/workload.ts";
import type { Backend, Fleet } from "./fleet.ts";

export interface Scenario {
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly promise: string;
  /** Besides the endpoints and the ejection interval. */
  readonly route?: RouteSettings | ((fleet: Fleet) => RouteSettings);
  readonly workload?: Partial<WorkloadOptions>;
  /** Failures that the ambassador does not promise to prevent here, each as the only thing that it may be. Default: none. */
  readonly allows?: (failure: Failure) => boolean;
  /** Whether p99 must be back within the ejection interval after each fault. Default true. */
  readonly recovers?: boolean;
  /** Every request at no more than one backend, and once. */
  readonly atMostOnce?: boolean;
  play(stage: Stage): Promise<void>;
}

export interface Check {
  readonly what: string;
  readonly ok: boolean;
}

/** The workload's, kept alive, one GET at a time on each. */
export const CONNECTIONS = 50;

/** Ejection interval (the first ejection's length) of every scenario, in milliseconds. */
export const EJECT_TIME = 2_000;

/** A stretch of steady load, long enough for p99 of its own, in milliseconds. */
const CALM = 1_000;

export class Stage {
  readonly fleet: Fleet;
  readonly ambassador: AmbassadorProcess;
  readonly workload: Workload;
  /** How often a scenario does what it does to each backend. */
  readonly rounds: number;
  /** From the seed: 0 <= random() < 1. */
  readonly random: () => number;
  /** Spans of faults, on performance.now(). */
  readonly faults: { readonly name: string; readonly from: number; to: number }[] = [];
  readonly checks: Check[] = [];

  constructor(
    fleet: Fleet,
    ambassador: AmbassadorProcess,
    workload: Workload,
    rounds: number,
    random: () => number,
  ) {
    this.fleet = fleet;
    this.ambassador = ambassador;
    this.workload = workload;
    this.rounds = rounds;
    this.random = random;
  }

  /** Load without a fault. */
  async calm(milliseconds = CALM): Promise<void> {
    await span(milliseconds);
  }

  /** Marks when a fault begins, does it, and lets it last while requests pass. */
  async fault(name: string, strike: () => unknown, lasts = 1_700): Promise<void> {
    this.faults.push({ name, from: performance.now(), to: Infinity });
    await strike();
    await span(lasts);
  }

  /** Mends it, and waits until every endpoint is in use again. */
  async mend(repair: () => unknown): Promise<void> {
    await repair();
    await this.allAvailable();
    const fault = this.faults.at(-1);
    if (fault) fault.to = performance.now();
    await this.calm();
  }

  async allAvailable(): Promise<void> {
    const count = this.fleet.backends.length;
    await until(
      `${count} endpoints are available`,
      async () => (await this.ambassador.endpointsAvailable()) === count,
      30_000,
    );
    // An ejection's end is noticed when an endpoint is picked, and its first request is a probe: so all must answer.
    const from = this.workload.sent;
    await until("every backend answers again", () => {
      const answering = new Set<string>();
      for (let id = this.workload.sent; id > from; id--) {
        const backend = this.workload.answeredBy.get(id);
        if (backend !== undefined) answering.add(backend);
      }
      return answering.size === count;
    });
  }

  /** Each backend in turn, as often as there are rounds. */
  async eachBackend(visit: (backend: Backend) => Promise<void>): Promise<void> {
    await this.calm();
    for (let round = 0; round < this.rounds; round++)
      for (const backend of this.fleet.backends) await visit(backend);
  }

  check(what: string, ok: boolean): void {
    this.checks.push({ what, ok });
  }
}
