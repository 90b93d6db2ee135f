/**
 * From configured entries to endpoints. An IP literal is an endpoint as it stands. A name is
 *   static, file  one endpoint, dialled at one of its addresses (the one before, while the name still has it);
 *   dns           one endpoint for each of its addresses, each with the entry's weight;
 *   srv           one for each address of each target, with the record's weight and priority (RFC 2782);
 *   kubernetes    one for each pod that is ready, of the Service's EndpointSlices.
 *
 * Names are resolved by name-resolver.ts, never through /etc/hosts. What is known stays known: an empty or failed
 * answer, or an unusable file, changes nothing but a warning and a counter. Only an API server's word counts also where it
 * names nobody: it knows, and an address that was a pod's may be another's soon. A new configuration takes over when each
 * of its names has had its first answer or failure; until then the old endpoints serve.
 */
import type { Clock, Logger, Milliseconds } from "@outrigger/core";
import type { KubernetesClient } from "@outrigger/core/kubernetes";
import { formatAddress, type Address } from "../endpoint/address.ts";
import { targetAt, type Target } from "../endpoint/endpoint.ts";
import type { DiscoveryInstruments } from "../instruments.ts";
import { EndpointFile } from "./endpoint-file.ts";
import {
  lookupAddresses,
  lookupServices,
  needsNoResolver,
  preferred,
  type NameAddresses,
  type ServiceTarget,
} from "./lookups.ts";
import { SearchingResolver, type Family, type NameResolver } from "./name-resolver.ts";
import { ServiceSlices } from "./service-slices.ts";
import { placesOf, whyNoPlace } from "./slice-addresses.ts";
import { Watch, type WatchEvents, type WatchSettings } from "./watch.ts";

export interface DiscoverySettings extends WatchSettings {
  readonly endpoints: readonly Address[];
  readonly discovery: "static" | "file" | "dns" | "srv" | "kubernetes";
  readonly discoveryFile?: string | undefined;
  readonly discoveryTimeout: Milliseconds;
  readonly dnsConfig: string;
  readonly dnsServers: readonly string[];
  readonly dnsFamily: Family;
}

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly count: DiscoveryInstruments;
  /** Instead of our own; then dnsConfig and dnsServers have no meaning. */
  readonly resolver: NameResolver | null;
  /** Instead of the pod's own access to the cluster, or kubeconfig's. */
  readonly kubernetes: (() => Promise<KubernetesClient>) | null;
  onTargets(targets: readonly Target[]): void;
}

export interface DiscoverySnapshot {
  readonly kind: DiscoverySettings["discovery"];
  /** What is not as it should be, or worth knowing, in words. */
  readonly notes: readonly string[];
}

export class Discovery {
  #settings: DiscoverySettings;
  readonly #deps: DiscoveryDeps;
  #resolver: NameResolver;
  #file: EndpointFile | null = null;
  /** What the file lists; null: not read yet. */
  #fileEntries: readonly Address[] | null = null;
  #names = new Map<string, Watch<NameAddresses>>();
  #services = new Map<string, Watch<readonly ServiceTarget[]>>();
  readonly #slices: ServiceSlices;
  /** Which address a static name is dialled at. */
  readonly #dialled = new Map<string, string>();
  #published = 0;
  #publishedText = "";
  #empty = false;
  /** Why an entry has no endpoint, of those whose slices are known. */
  readonly #bare = new Map<Address, string>();
  #bareTold = "";
  #state: "new" | "running" | "stopped" = "new";
  readonly #waiting = new Set<() => void>();
  /** Files that were replaced and may still be closing. */
  readonly #closing = new Set<Promise<void>>();

  constructor(settings: DiscoverySettings, deps: DiscoveryDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#resolver = deps.resolver ?? new SearchingResolver(settings);
    this.#slices = new ServiceSlices({ ...deps, open: deps.kubernetes, events: this.#watchEvents });
    this.#publish();
  }

  /** Resolves when every name and the file have had their first answer or failure, or after discoveryTimeout. */
  async start(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#reconcile();
    if (this.#settled()) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.clear();
        this.#waiting.delete(done);
        resolve();
      };
      const { clock, log } = this.#deps;
      const timer = clock.timer(this.#settings.discoveryTimeout, () => {
        log.warn(
          { notes: this.describe().notes },
          "discovery has no full answer yet; going on with what is known",
        );
        done();
      });
      this.#waiting.add(done);
    });
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const done of this.#waiting) done();
    for (const watch of [...this.#names.values(), ...this.#services.values()]) watch.stop();
    this.#resolver.close();
    this.#replaceFile(null);
    await Promise.all([...this.#closing, this.#slices.stop()]);
  }

  configure(settings: DiscoverySettings): void {
    const old = this.#settings;
    this.#settings = settings;
    const asksElsewhere =
      settings.dnsConfig !== old.dnsConfig || settings.dnsServers.join() !== old.dnsServers.join();
    const asksElse = asksElsewhere || settings.dnsFamily !== old.dnsFamily;
    if (asksElsewhere && !this.#deps.resolver) {
      this.#resolver.close();
      this.#resolver = new SearchingResolver(settings);
    }
    if (this.#state === "running") {
      for (const watch of [...this.#names.values(), ...this.#services.values()]) {
        watch.configure(settings);
        if (asksElse) watch.refresh();
      }
    }
    this.#reconcile();
  }

  /** An endpoint refuses connections: its name may have other addresses by now. */
  doubt(): void {
    for (const watch of this.#names.values()) watch.doubt();
    for (const watch of this.#services.values()) watch.doubt();
  }

  describe(): DiscoverySnapshot {
    const notes: string[] = [...this.#slices.notes];
    const { discovery } = this.#settings;
    if (this.#file?.failure != null)
      notes.push(`${this.#file.path} is not used as it is: ${this.#file.failure}`);
    for (const watch of [...this.#names.values(), ...this.#services.values()]) {
      if (watch.failure !== null) {
        notes.push(
          `${watch.what}: ${watch.failure}${watch.value === null ? "" : "; what was known is kept"}`,
        );
      }
    }
    for (const [name, watch] of this.#names) {
      if (discovery !== "dns" || !watch.value) continue;
      if (preferred(watch.value, this.#settings.dnsFamily).length === 1) {
        notes.push(
          `${name} has one address: if that is a Service's cluster IP, connections are balanced, requests are not; a headless Service has the addresses of its pods`,
        );
      }
    }
    notes.push(...this.#bare.values());
    if (this.#empty) notes.push("no name has an address now; the endpoints known before are kept");
    return { kind: discovery, notes };
  }

  #entries(): readonly Address[] {
    return this.#settings.discovery === "file" ? (this.#fileEntries ?? []) : this.#settings.endpoints;
  }

  /** Starts and stops watches so that there is one for each name, and publishes what is known. */
  #reconcile(): void {
    const { discovery, discoveryFile } = this.#settings;
    if (this.#state === "running") {
      const path = discovery === "file" ? (discoveryFile ?? null) : null;
      if (path !== (this.#file?.path ?? null)) this.#replaceFile(path);
      const hosts = [...new Set(this.#entries().map(({ host }) => host))];
      this.#slices.watch(discovery === "kubernetes" ? hosts : []);
      const services = discovery === "srv" ? hosts : [];
      const names =
        discovery === "srv" || discovery === "kubernetes"
          ? []
          : hosts.filter((host) => !needsNoResolver(host));
      this.#services = this.#keep(this.#services, services, (name) => this.#watchService(name));
      this.#names = this.#keep(this.#names, names, (name) => this.#watchName(name));
      for (const host of this.#dialled.keys()) if (!this.#names.has(host)) this.#dialled.delete(host);
    }
    this.#publish();
  }

  #keep<Value>(
    now: Map<string, Watch<Value>>,
    wanted: readonly string[],
    create: (name: string) => Watch<Value>,
  ): Map<string, Watch<Value>> {
    const next = new Map<string, Watch<Value>>();
    for (const name of wanted) {
      const known = now.get(name);
      const watch = known ?? create(name);
      next.set(name, watch);
      if (!known) watch.refresh();
    }
    for (const [name, watch] of now) if (!next.has(name)) watch.stop();
    return next;
  }

  #watchName(name: string): Watch<NameAddresses> {
    return new Watch(
      name,
      (known) => lookupAddresses(this.#resolver, name, this.#settings.dnsFamily, known),
      this.#settings,
      { ...this.#deps, events: this.#watchEvents },
    );
  }

  #watchService(name: string): Watch<readonly ServiceTarget[]> {
    return new Watch(
      name,
      (known) => lookupServices(this.#resolver, name, this.#settings.dnsFamily, known),
      this.#settings,
      { ...this.#deps, events: this.#watchEvents },
    );
  }

  readonly #watchEvents: WatchEvents = {
    changed: () => this.#publish(),
    failed: (what, reason, known, first) => {
      this.#deps.count.errors.inc();
      const then = known ? "what was known is kept" : "it has no endpoint yet";
      if (first) this.#deps.log.warn({ name: what, reason }, `discovery of ${what} failed, ${then}`);
      else this.#deps.log.debug({ name: what, reason }, `discovery of ${what} still fails`);
    },
    recovered: (what) => this.#deps.log.info({ name: what }, `discovery of ${what} works again`),
  };

  #replaceFile(path: string | null): void {
    const old = this.#file;
    this.#file = null;
    if (old) {
      const closed = old.stop().finally(() => this.#closing.delete(closed));
      this.#closing.add(closed);
    }
    if (path === null) return;
    this.#fileEntries = null;
    const file = new EndpointFile(path, this.#deps.clock, {
      changed: (entries) => {
        if (this.#file !== file) return;
        this.#fileEntries = entries;
        this.#reconcile();
      },
      failed: (reason) => {
        if (this.#file !== file) return;
        this.#deps.count.errors.inc();
        this.#deps.log.warn(
          { file: path, reason },
          `${path} is not used, the endpoints known before are kept`,
        );
        this.#publish();
      },
    });
    this.#file = file;
    file.start();
  }

  /** Every source has had its first answer or failure. */
  #settled(): boolean {
    if (this.#file && this.#fileEntries === null && this.#file.failure === null) return false;
    for (const watch of this.#names.values()) if (!watch.settled) return false;
    for (const watch of this.#services.values()) if (!watch.settled) return false;
    return this.#slices.settled;
  }

  #publish(): void {
    if (this.#state === "stopped") return;
    const settled = this.#state === "running" ? this.#settled() : !this.#asks();
    // Half an answer is better than none, but no reason to drop endpoints that serve.
    if (settled || this.#published === 0) this.#offer(this.#targets());
    if (settled) for (const done of this.#waiting) done();
  }

  #offer(targets: readonly Target[]): void {
    this.#tellBare();
    const none = targets.length === 0;
    const isSure = this.#bare.size > 0 && this.#bare.size === this.#entries().length;
    this.#empty = none && !isSure && this.#published > 0;
    if (none && (!isSure || this.#published === 0)) return;
    const text = JSON.stringify(targets);
    if (text === this.#publishedText) return;
    this.#publishedText = text;
    this.#published = targets.length;
    this.#deps.count.updates.inc();
    this.#deps.onTargets(targets);
  }

  #tellBare(): void {
    const told = this.#bareTold;
    this.#bareTold = [...this.#bare.values()].join("; ");
    if (this.#bareTold !== "" && this.#bareTold !== told) this.#deps.log.warn({}, this.#bareTold);
  }

  /** There is something to ask or to read before the endpoints are known. */
  #asks(): boolean {
    const { discovery, endpoints } = this.#settings;
    return !["static", "dns"].includes(discovery) || !endpoints.every(({ host }) => needsNoResolver(host));
  }

  #targets(): readonly Target[] {
    this.#bare.clear();
    if (this.#settings.discovery === "srv")
      return [...this.#services.values()].flatMap((watch) => this.#ofService(watch));
    return this.#entries().flatMap((entry) => this.#ofEntry(entry));
  }

  #ofEntry(entry: Address): readonly Target[] {
    const { host, port, weight } = entry;
    const name = host.replace(/\.$/, "");
    if (this.#settings.discovery === "kubernetes") return this.#ofSlices(entry, name);
    if (port === null) return [];
    if (needsNoResolver(host)) return [targetAt(name, port, weight)];
    const known = this.#names.get(host)?.value;
    const addresses = known ? preferred(known, this.#settings.dnsFamily) : [];
    if (this.#settings.discovery === "dns") {
      return addresses.map((address) => targetAt(address, port, weight, name));
    }
    const before = this.#dialled.get(host);
    const dialled = before !== undefined && addresses.includes(before) ? before : addresses[0];
    if (dialled === undefined) return [];
    this.#dialled.set(host, dialled);
    return [{ ...targetAt(name, port, weight), host: dialled }];
  }

  #ofSlices(entry: Address, name: string): readonly Target[] {
    const { host, port, portName, weight } = entry;
    const slices = this.#slices.slices(host);
    if (slices === null) return [];
    const wanted = portName ?? (port as number);
    const found = placesOf(slices, wanted);
    const places = preferred(found, this.#settings.dnsFamily);
    if (places.length === 0) {
      const otherFamily = found.v4.length + found.v6.length > 0;
      const why = otherFamily
        ? `it has no IPv${this.#settings.dnsFamily} address`
        : whyNoPlace(slices, wanted);
      this.#bare.set(entry, `${formatAddress(entry)} has no endpoint: ${why}`);
    }
    return places.map((place) => targetAt(place.address, place.port, weight, name));
  }

  #ofService(watch: Watch<readonly ServiceTarget[]>): readonly Target[] {
    return (watch.value ?? []).flatMap(({ record, addresses }) => {
      const name = record.target.replace(/\.$/, "");
      // RFC 2782's 0 is "hardly any", not drained: in its own algorithm the share of one part in sum + 1.
      const weight = Math.max(1, record.weight);
      return preferred(addresses, this.#settings.dnsFamily).map((address) =>
        targetAt(address, record.port, weight, name, record.priority),
      );
    });
  }
}
