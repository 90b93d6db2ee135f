/**
 * A model of client-go's candidate (tools/leaderelection with a LeaseLock), after what its documentation says and its users
 * observe; none of its code. It knows the Lease as it stands on the wire and nothing of election/.
 *
 * - A try: get the Lease and create it when there is none; leave it alone while another holds it and it was seen to change less
 *   than its own leaseDurationSeconds ago (older releases: than the one that the candidate is configured with, which is why all
 *   must have the same); else update it. Who led a moment ago updates what it last saw first, and gets only if that fails.
 * - A change is what differs in holder, duration, transitions, and the times to the second; it is timed by the local clock.
 * - Own name, own lease: a candidate that comes again under its name goes on at once, with acquireTime and transitions as they were.
 * - acquire: a try, then a pause of retryPeriod x (1 to 2.2), counted from the end of the try. renew: a cycle of tries, retryPeriod
 *   apart, that ends with the first success, or the leadership after renewDeadline; retryPeriod later the next cycle.
 * - Cancelled, it writes holder "" with leaseDurationSeconds 1 (ReleaseOnCancel).
 *
 * What it promises: nothing, says its documentation ("does not guarantee that only one client is acting as a leader"). Its
 * renewDeadline runs from the beginning of a cycle, on a clock that stands still in suspend, and is looked at by a timer: so
 * that it goes on leading up to renewDeadline + retryPeriod + an answer's time after it sent the renewal that was done, and after
 * a pause until it next runs. What can be held against others is `promisedUntil`: renewDeadline after the last renewal that was
 * answered was sent, by a clock that goes on. The simulation holds all candidates to that, and counts what is beyond it.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Lease } from "@outrigger/core/kubernetes";
import type { Timing } from "../election/timing.ts";

export type ClientGoAction =
  | { readonly kind: "wait"; readonly until: Milliseconds }
  | { readonly kind: "get" }
  | { readonly kind: "create" | "update"; readonly lease: Lease };

/** null: refused (409), or there is none (404); undefined: no answer, or an error that says nothing. */
export type ClientGoAnswer = Lease | null | undefined;

/** client-go's JitterFactor, as apimachinery's wait.JitterUntil takes it: up to so many periods more. */
const JITTER_FACTOR = 1.2;

export interface ClientGoDeps {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly wallTime: () => Milliseconds;
}

export class ClientGo {
  readonly #id: string;
  readonly #timing: Timing;
  readonly #deps: ClientGoDeps;
  /** What was last got or written, with the resourceVersion for the next update. */
  #lease: Lease | null = null;
  /** What counts for a change, as text. */
  #observed = "";
  #observedAt: Milliseconds = -Infinity;
  #state: "acquiring" | "leading" | "releasing" | "over" = "acquiring";
  #request: ClientGoAction | null = null;
  /** The request with which the current try goes on. */
  #follows: ClientGoAction | null = null;
  /** When the current try began. */
  #triedAt: Milliseconds = 0;
  /** When the next try is due; of who leads also the beginning of a cycle, where none runs. */
  #nextAt: Milliseconds = -Infinity;
  /** When the current cycle gives up; Infinity: none runs. */
  #cycleEnds: Milliseconds = Infinity;
  readonly #releases: boolean;

  constructor(id: string, timing: Timing, releases: boolean, deps: ClientGoDeps) {
    this.#id = id;
    this.#timing = timing;
    this.#releases = releases;
    this.#deps = deps;
  }

  /** Whether its workload runs, by its own lights. */
  get leads(): boolean {
    return this.#state === "leading";
  }

  /** It has ended, as Run() returns: usually its process exits. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /** A cycle waits no longer for an answer. */
  get patience(): Milliseconds {
    const { renewDeadline } = this.#timing;
    return this.#state === "leading"
      ? Math.min(renewDeadline / 2, this.#cycleEnds - this.#triedAt)
      : renewDeadline / 2;
  }

  /** Its context is cancelled: the workload is told to stop, and not waited for; nor is the answer of a request under way. */
  cancel(): void {
    this.#request = null;
    if (this.#state !== "over") this.#end();
  }

  next(now: Milliseconds): ClientGoAction {
    if (this.#request !== null) return { kind: "wait", until: Infinity };
    if (this.#state === "over") return { kind: "wait", until: Infinity };
    if (this.#state === "releasing") return this.#send(this.#release());
    if (now >= this.#cycleEnds) {
      this.#end();
      return this.next(now);
    }
    if (this.#follows !== null) return this.#send(this.#follows);
    if (now < this.#nextAt) return { kind: "wait", until: Math.min(this.#nextAt, this.#cycleEnds) };
    if (this.#state === "leading" && this.#cycleEnds === Infinity)
      this.#cycleEnds = now + this.#timing.renewDeadline;
    this.#triedAt = now;
    if (this.#lease !== null && this.#isHolder && this.#isValid(now))
      return this.#send({ kind: "update", lease: this.#renewed(this.#lease) });
    return this.#send({ kind: "get" });
  }

  answered(answer: ClientGoAnswer, now: Milliseconds): void {
    const request = this.#request as ClientGoAction;
    this.#request = null;
    if (this.#state === "releasing") this.#state = "over";
    if (this.#state === "over") return;
    if (request.kind === "get") this.#got(answer, now);
    else if (answer) {
      this.#observe(answer, now);
      this.#succeeded(now);
    }
    // The optimistic update of who led a moment ago: a get follows within the same try.
    else if (request.kind === "update" && this.#follows === null) this.#follows = { kind: "get" };
    else this.#failed(now);
  }

  #got(answer: ClientGoAnswer, now: Milliseconds): void {
    if (answer === undefined) return this.#failed(now);
    if (answer === null) {
      this.#lease = null;
      this.#follows = { kind: "create", lease: this.#written({ metadata: { name: "lease" } }, 0) };
      return;
    }
    if (recordText(answer) !== this.#observed) this.#observe(answer, now);
    this.#lease = answer;
    const holder = answer.spec?.holderIdentity ?? "";
    if (this.#isHolder) this.#follows = { kind: "update", lease: this.#renewed(answer) };
    else if (holder === "" || !this.#isValid(this.#triedAt))
      this.#follows = {
        kind: "update",
        lease: this.#written(answer, (answer.spec?.leaseTransitions ?? 0) + 1),
      };
    else this.#failed(now);
  }

  #succeeded(now: Milliseconds): void {
    this.#follows = null;
    this.#cycleEnds = Infinity;
    // The first cycle begins at once.
    this.#nextAt = this.#state === "acquiring" ? now : now + this.#timing.retryPeriod;
    this.#state = "leading";
  }

  #failed(now: Milliseconds): void {
    const { retryPeriod } = this.#timing;
    this.#follows = null;
    this.#nextAt =
      this.#state === "leading"
        ? Math.max(now, this.#triedAt + retryPeriod)
        : now + retryPeriod * (1 + JITTER_FACTOR * this.#deps.random());
  }

  /** Also when a cycle gave up: what is still its own is released. */
  #end(): void {
    this.#state = this.#releases && this.#isHolder ? "releasing" : "over";
    this.#follows = null;
    this.#cycleEnds = Infinity;
  }

  #send<Action extends ClientGoAction>(action: Action): Action {
    this.#request = action;
    if (action.kind !== "update") this.#follows = null;
    return action;
  }

  #observe(lease: Lease, now: Milliseconds): void {
    this.#lease = lease;
    this.#observed = recordText(lease);
    this.#observedAt = now;
  }

  get #isHolder(): boolean {
    return this.#lease?.spec?.holderIdentity === this.#id;
  }

  #isValid(now: Milliseconds): boolean {
    return this.#observedAt + (this.#lease?.spec?.leaseDurationSeconds ?? 0) * 1_000 > now;
  }

  #written(over: Lease, leaseTransitions: number): Lease {
    const time = microTime(this.#deps.wallTime());
    const spec = {
      holderIdentity: this.#id,
      leaseDurationSeconds: this.#timing.leaseDuration / 1_000,
      acquireTime: time,
      renewTime: time,
      leaseTransitions,
    };
    return { ...over, spec };
  }

  #renewed(over: Lease): Lease {
    const { spec } = this.#written(over, over.spec?.leaseTransitions ?? 0);
    return { ...over, spec: { ...spec, acquireTime: over.spec?.acquireTime } };
  }

  #release(): ClientGoAction {
    const lease = this.#lease as Lease;
    const { spec } = this.#written(lease, lease.spec?.leaseTransitions ?? 0);
    return {
      kind: "update",
      lease: { ...lease, spec: { ...spec, holderIdentity: "", leaseDurationSeconds: 1 } },
    };
  }
}

/** By what client-go tells a change: its record as JSON, in which times have no fraction. */
function recordText({ spec }: Lease): string {
  const second = (time: string | null | undefined): string => (time ?? "").slice(0, 19);
  return JSON.stringify([
    spec?.holderIdentity ?? "",
    spec?.leaseDurationSeconds ?? 0,
    second(spec?.acquireTime),
    second(spec?.renewTime),
    spec?.leaseTransitions ?? 0,
  ]);
}

const microTime = (time: Milliseconds): string => new Date(time).toISOString().replace("Z", "000Z");
