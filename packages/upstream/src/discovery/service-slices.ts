/**
 * The EndpointSlices of Services, watched: one watch a Service, by the label that every slice of it has. The client of the
 * Kubernetes API is loaded when the first Service is watched.
 */
import { OutriggerError, type Clock } from "@outrigger/core";
import type { EndpointSlice, KubernetesClient, WatchList } from "@outrigger/core/kubernetes";
import { parseServiceName } from "./slice-addresses.ts";
import type { WatchEvents } from "./watch.ts";

export interface ServiceSlicesDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: WatchEvents;
  /** Instead of the pod's own access, or kubeconfig's. */
  readonly open: (() => Promise<KubernetesClient>) | null;
}

interface Watched {
  list: WatchList<EndpointSlice> | null;
  /** The first list is there. */
  known: boolean;
  failure: string | null;
}

export class ServiceSlices {
  readonly #deps: ServiceSlicesDeps;
  readonly #watched = new Map<string, Watched>();
  readonly #stopping = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #client: Promise<KubernetesClient> | null = null;

  constructor(deps: ServiceSlicesDeps) {
    this.#deps = deps;
  }

  /** Starts and stops watches so that there is one for each of these hosts. */
  watch(hosts: readonly string[]): void {
    for (const [host, watched] of this.#watched) {
      if (hosts.includes(host)) continue;
      this.#watched.delete(host);
      this.#end(watched);
    }
    for (const host of hosts) {
      if (this.#watched.has(host)) continue;
      const watched: Watched = { list: null, known: false, failure: null };
      this.#watched.set(host, watched);
      void this.#begin(host, watched);
    }
  }

  /** null: there was no answer yet. */
  slices(host: string): readonly EndpointSlice[] | null {
    const watched = this.#watched.get(host);
    return watched?.known && watched.list ? [...watched.list.objects.values()] : null;
  }

  /** Each has had its first answer or failure. */
  get settled(): boolean {
    return [...this.#watched.values()].every(({ known, failure }) => known || failure !== null);
  }

  /** In words. */
  get notes(): readonly string[] {
    return [...this.#watched].flatMap(([host, { failure, known }]) =>
      failure === null ? [] : [`${host}: ${failure}${known ? "; what was known is kept" : ""}`],
    );
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.watch([]);
    await Promise.all(this.#stopping);
    await this.#client?.then(
      (client) => client.close(),
      () => {},
    );
  }

  async #begin(host: string, watched: Watched): Promise<void> {
    const { clock, random, events } = this.#deps;
    const fail = (thrown: unknown): void => {
      const { message } = OutriggerError.from(thrown);
      const first = watched.failure === null;
      watched.failure = message;
      events.failed(host, message, watched.known, first);
      if (!watched.known) events.changed();
    };
    const recover = (): void => {
      if (watched.failure === null) return;
      watched.failure = null;
      events.recovered(host);
    };
    const kubernetes = await import("@outrigger/core/kubernetes");
    const backoff = new kubernetes.Backoff(1_000, 30_000, random);
    while (this.#watched.get(host) === watched) {
      let client: KubernetesClient;
      try {
        client = await (this.#client ??= this.#open());
      } catch (thrown) {
        // No access: perhaps not yet.
        this.#client = null;
        if (this.#watched.get(host) === watched) fail(thrown);
        await clock.sleep(backoff.next(), this.#stopped.signal).catch(() => {});
        continue;
      }
      if (this.#watched.get(host) !== watched) return;
      const { service, namespace } = parseServiceName(host) ?? { service: host, namespace: null };
      watched.list = new kubernetes.WatchList(
        client,
        kubernetes.ENDPOINT_SLICES,
        namespace ?? client.namespace ?? "default",
        { labelSelector: `kubernetes.io/service-name=${service}` },
        {
          changed: () => {
            watched.known = true;
            recover();
            events.changed();
          },
          failed: fail,
          recovered: recover,
        },
        { clock, random },
      );
      watched.list.start();
      return;
    }
  }

  async #open(): Promise<KubernetesClient> {
    const { clock, random, open } = this.#deps;
    if (open) return await open();
    const { findClusterAccess, KubernetesClient: Client } = await import("@outrigger/core/kubernetes");
    return new Client({ access: await findClusterAccess({ env: process.env, clock }), clock, random });
  }

  #end({ list }: Watched): void {
    const stopped = (list?.stop() ?? Promise.resolve()).finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }
}
