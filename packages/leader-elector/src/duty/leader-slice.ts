/**
 * Traffic to the leader alone, for callers and workloads that know nothing of leaders: one EndpointSlice behind a Service
 * without selector, which names the leader's pod from the begin of its term, and nobody from its end.
 *
 * Each write is a compare-and-set on the slice that was read, and the fencing token of the term stands in an annotation: a
 * former leader that was paused, and comes late, finds a higher one and leaves the slice alone. The token stays when the address
 * goes. A slice that has not our token any more, since somebody has deleted it or made it anew, is written again within KEEP;
 * one that has it is not looked into: who takes our address out by hand wants that. Not promised: that nobody reaches a former
 * leader any more. kube-proxy hears of the change a moment later, and connections that stand go on; a leader that dies stays
 * named until the next one begins.
 */
import { isIPv4, isIPv6 } from "node:net";
import {
  OutriggerError,
  type Clock,
  type Counter,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import {
  Backoff,
  ENDPOINT_SLICES,
  type EndpointSlice,
  type KubernetesClient,
} from "@outrigger/core/kubernetes";
import type { Duty, EndReason, Term } from "./duty.ts";

export const TOKEN_ANNOTATION = "outrigger.dev/token";
const SERVICE_LABEL = "kubernetes.io/service-name";
const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
const MANAGED_BY = "outrigger-leader-elector";

export interface LeaderSliceOptions {
  readonly namespace: string;
  /** Of the EndpointSlice. It may be created beforehand, empty: then get and update of it alone are the rights needed. */
  readonly name: string;
  /** The Service without selector that it stands behind. */
  readonly service: string;
  /** Of this pod: status.podIP. */
  readonly address: string;
  /** Those of the Service, by the same names; `port` is the pod's. */
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: "TCP" | "UDP";
  }[];
  /** For people, and for topology. */
  readonly pod?: { readonly name: string; readonly uid?: string; readonly node?: string };
}

export interface LeaderSliceDeps {
  readonly client: KubernetesClient;
  readonly clock: Pick<Clock, "sleep" | "timer">;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** An API server that does not answer must not keep the pod from starting, nor the duties that end after this one from it. */
const PATIENCE: Milliseconds = 5_000;

/** Between looks whether the slice is still ours: two requests a minute. */
const KEEP: Milliseconds = 30_000;

/** Somebody else was faster, or the API server is not well: what another attempt can mend. */
const PASSING = new Set([
  "kubernetes-conflict",
  "kubernetes-already-exists",
  "kubernetes-not-found",
  "kubernetes-unavailable",
  "kubernetes-too-many-requests",
]);

export class LeaderSlice implements Duty {
  readonly name = "leader-slice";
  readonly #options: LeaderSliceOptions;
  readonly #deps: LeaderSliceDeps;
  readonly #addressType: "IPv4" | "IPv6";
  readonly #failures: Counter;

  /** @throws OutriggerError `bad-leader-slice` for an address that an EndpointSlice cannot have */
  constructor(options: LeaderSliceOptions, deps: LeaderSliceDeps) {
    const { address, namespace, name } = options;
    if (!isIPv4(address) && !isIPv6(address))
      throw new OutriggerError(
        "bad-leader-slice",
        `the address ${JSON.stringify(address)} for EndpointSlice ${namespace}/${name} is no IP address: give the pod's (status.podIP)`,
      );
    this.#options = options;
    this.#deps = deps;
    this.#addressType = isIPv4(address) ? "IPv4" : "IPv6";
    this.#failures = deps.metrics
      .counter(
        "outrigger_leader_slice_failures_total",
        "Attempts to write the leader's EndpointSlice that failed.",
      )
      .with({});
  }

  /**
   * Looks whether it could be done: a missing right, or a slice of somebody else, is found before the first term.
   * @throws OutriggerError `kubernetes-forbidden`, `kubernetes-unauthorized`, `bad-leader-slice`
   */
  async start(): Promise<void> {
    try {
      const found = await this.#patiently(new AbortController().signal, (signal) => this.#find(signal));
      if (found !== null) this.#check(found);
    } catch (thrown) {
      const { code, message } = OutriggerError.from(thrown);
      if (!PASSING.has(code)) throw thrown;
      this.#deps.log.warn({ err: message }, "the leader's EndpointSlice could not be read yet");
    }
  }

  /** @throws OutriggerError `stale-token` when a later leader was there; `kubernetes-...` for what no repetition mends */
  async begin(term: Term, signal: AbortSignal): Promise<void> {
    await this.#persist(signal, async () => this.#write(await this.#find(signal), term, signal));
    const { address, service } = this.#options;
    this.#deps.log.info(
      { service, address, token: String(term.token) },
      `Service ${service} leads to this pod`,
    );
    this.#keep(term, signal);
  }

  async end(term: Term, _why: EndReason, hurry: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const { service, namespace, name } = this.#options;
    try {
      await this.#patiently(hurry, (signal) => this.#persist(signal, () => this.#empty(term, signal)));
      log.info({ service, token: String(term.token) }, `Service ${service} leads to this pod no more`);
    } catch (thrown) {
      const { message } = OutriggerError.from(thrown);
      log.error(
        { err: message },
        `EndpointSlice ${namespace}/${name} may name this pod until there is another leader`,
      );
    }
  }

  async #write(found: EndpointSlice | null, term: Term, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps;
    const { namespace, name } = this.#options;
    if (found === null) {
      const made = this.#filled({ metadata: { name }, addressType: "" }, term);
      await client.create(ENDPOINT_SLICES, namespace, made, signal);
      return;
    }
    this.#check(found);
    const token = tokenOf(found);
    if (token > term.token)
      throw new OutriggerError(
        "stale-token",
        `EndpointSlice ${namespace}/${name} has token ${token} of a later leader than ours, ${term.token}: another leads; or the leases were begun anew in another store: then remove the annotation ${TOKEN_ANNOTATION}`,
      );
    await client.update(ENDPOINT_SLICES, namespace, this.#filled(found, term), signal);
  }

  /** @param signal aborts when the term ends: a write that is then on its way fails by that of the end */
  #keep(term: Term, signal: AbortSignal): void {
    const { clock, log } = this.#deps;
    if (signal.aborted) return;
    let told: string | null = null;
    const look = async (): Promise<void> => {
      try {
        const found = await this.#find(signal);
        if (term.isLeading && (found === null || tokenOf(found) !== term.token)) {
          await this.#write(found, term, signal);
          log.warn({}, "the leader's EndpointSlice was not ours any more, and is written again");
        }
        told = null;
      } catch (thrown) {
        if (signal.aborted) return;
        const { message } = OutriggerError.from(thrown);
        this.#failures.inc();
        if (message !== told)
          log.warn({ err: message }, "the leader's EndpointSlice is not ours, or not known");
        told = message;
      }
      if (!signal.aborted) timer.refresh();
    };
    const timer = clock.timer(KEEP, () => void look(), { unref: true });
    signal.addEventListener("abort", () => timer.clear(), { once: true });
  }

  async #empty(term: Term, signal: AbortSignal): Promise<void> {
    const found = await this.#find(signal);
    if (found === null) return await this.#createEmpty(term, signal);
    this.#check(found);
    const token = tokenOf(found);
    if (token > term.token || (token === term.token && (found.endpoints ?? []).length === 0)) return;
    // Also where our address never got there: a write of ours that is still on its way fails by this one.
    const empty = { ...this.#filled(found, term), endpoints: [] };
    await this.#deps.client.update(ENDPOINT_SLICES, this.#options.namespace, empty, signal);
  }

  /** A creation of ours that is still on its way fails by this one. */
  async #createEmpty(term: Term, signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#options;
    const empty = { ...this.#filled({ metadata: { name }, addressType: "" }, term), endpoints: [] };
    try {
      await this.#deps.client.create(ENDPOINT_SLICES, namespace, empty, signal);
    } catch (thrown) {
      // Then there is none on its way.
      if (OutriggerError.from(thrown).code !== "kubernetes-forbidden") throw thrown;
    }
  }

  async #find(signal: AbortSignal): Promise<EndpointSlice | null> {
    const { namespace, name } = this.#options;
    try {
      return await this.#deps.client.get(ENDPOINT_SLICES, namespace, name, signal);
    } catch (thrown) {
      if (OutriggerError.from(thrown).code === "kubernetes-not-found") return null;
      throw thrown;
    }
  }

  /** As long as the signal lets it, and at most PATIENCE. */
  async #patiently<Result>(
    signal: AbortSignal,
    attempt: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const limit = new AbortController();
    const timer = this.#deps.clock.timer(PATIENCE, () =>
      limit.abort(new OutriggerError("kubernetes-unavailable", `no answer within ${PATIENCE} ms`)),
    );
    try {
      return await attempt(AbortSignal.any([signal, limit.signal]));
    } finally {
      timer.clear();
    }
  }

  /** Until it is done, the signal aborts, or it fails in a way that no repetition mends. */
  async #persist(signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
    const { clock, log, random = Math.random } = this.#deps;
    const backoff = new Backoff(50, 2_000, random);
    for (;;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (thrown) {
        signal.throwIfAborted();
        const { code, message } = OutriggerError.from(thrown);
        this.#failures.inc();
        if (!PASSING.has(code)) throw thrown;
        log.warn({ err: message }, "the leader's EndpointSlice was not written yet");
      }
      await clock.sleep(backoff.next(), signal);
    }
  }

  /** Refuses what another controller would take back, and what cannot be changed. */
  #check({ metadata, addressType }: EndpointSlice): void {
    const { namespace, name, address } = this.#options;
    const refuse = (why: string): never => {
      throw new OutriggerError("bad-leader-slice", `EndpointSlice ${namespace}/${name} ${why}`);
    };
    const manager = metadata.labels?.[MANAGED_BY_LABEL] ?? MANAGED_BY;
    if (manager !== MANAGED_BY)
      refuse(`is managed by ${manager}: give the leader's a name of its own, and its Service no selector`);
    if (addressType !== this.#addressType)
      refuse(
        `has the address type ${addressType}, and this pod the address ${address}: delete it, the type cannot be changed`,
      );
  }

  #filled(slice: EndpointSlice, term: Term): EndpointSlice {
    const { namespace, service, address, ports, pod } = this.#options;
    const { metadata } = slice;
    return {
      ...slice,
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, [SERVICE_LABEL]: service, [MANAGED_BY_LABEL]: MANAGED_BY },
        annotations: { ...metadata.annotations, [TOKEN_ANNOTATION]: String(term.token) },
      },
      addressType: this.#addressType,
      endpoints: [
        {
          addresses: [address],
          conditions: { ready: true, serving: true, terminating: false },
          ...(pod?.node === undefined ? {} : { nodeName: pod.node }),
          ...(pod === undefined
            ? {}
            : {
                targetRef: {
                  kind: "Pod",
                  namespace,
                  name: pod.name,
                  ...(pod.uid === undefined ? {} : { uid: pod.uid }),
                },
              }),
        },
      ],
      ports: ports.map(({ name = "", port, protocol = "TCP" }) => ({ name, port, protocol })),
    };
  }
}

/** What is no token is one that is lower than all. */
function tokenOf({ metadata }: EndpointSlice): bigint {
  const text = metadata.annotations?.[TOKEN_ANNOTATION] ?? "";
  return /^\d{1,40}$/.test(text) ? BigInt(text) : -1n;
}
