/** The elector: a set of elections that is started, given up in order, and swapped for another; and the HTTP API before it. */
import {
  createBootClock,
  createMetrics,
  listen,
  OutriggerError,
  silentLogger,
  systemClock,
  type BoundServer,
  type Clock,
  type ControlRoute,
  type DataListener,
  type HealthCheck,
  type HostPort,
  type ListenAddress,
  type Metrics,
  type Pattern,
  type PatternDeps,
  type ProbePages,
} from "@outrigger/core";
import {
  electionsOf,
  parseLeaderElectorConfig,
  type ElectionConfig,
  type LeaderElectorConfig,
  type LeaderElectorInput,
} from "./config/config.ts";
import type { Elector } from "./elector/elector.ts";
import { openElection, type OpenElection } from "./elector/open-election.ts";
import { electionApi, type ApiOptions } from "./http/api.ts";
import { Callers } from "./http/callers.ts";
import { standingJson } from "./http/standing-json.ts";
import { hereAndNow, type Surroundings } from "./identity.ts";
import { LazyCluster } from "./cluster.ts";
import type { MemoryStore } from "./store/memory-store.ts";

export interface LeaderElectorDeps extends PatternDeps {
  /** What tells this candidate's name and address. Default: the machine's, and process.env. */
  readonly surroundings: Surroundings;
  /** What candidates of one process share. Default: nothing. */
  readonly memory: Map<string, MemoryStore>;
}

/** A dropped or changed election has so long for its work to stop before it is cut, as at SIGTERM. */
const DROPPED_GRACE = 25_000;

export class LeaderElector implements Pattern<LeaderElectorConfig> {
  readonly metrics: Metrics;
  readonly #deps: LeaderElectorDeps;
  /** Counts suspended time, too. */
  readonly #clock: Clock;
  readonly #callers: Callers;
  readonly #cluster: LazyCluster;
  #config: LeaderElectorConfig;
  #elections: OpenElection[] = [];
  readonly #dropped = new Set<OpenElection>();
  #server: BoundServer | null = null;
  #state: "new" | "started" | "stopped" = "new";
  #retiring: Promise<void> | null = null;

  constructor(config: LeaderElectorConfig, deps: LeaderElectorDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#clock = createBootClock(deps.clock);
    this.#callers = new Callers(deps.clock);
    this.#cluster = new LazyCluster(deps.surroundings.env, deps.clock);
    this.metrics = deps.metrics;
  }

  /** By the name of the election; null: there is none of that name. */
  elector(election: string): Elector | null {
    return this.#electors.find((elector) => elector.election === election) ?? null;
  }

  get #electors(): Elector[] {
    return this.#elections.map(({ elector }) => elector);
  }

  /** The HTTP API, behind which all elections end; and the ports that elections have. */
  get listeners(): readonly DataListener[] {
    return [this.#apiListener(), ...this.#elections.flatMap(({ listeners }) => listeners)];
  }

  get checks(): readonly HealthCheck[] {
    const listening = () => ({ ok: this.#server !== null, detail: `${this.#elections.length} elections` });
    return [{ name: "elections", kind: "startup", check: listening }];
  }

  get controlRoutes(): readonly ControlRoute[] {
    return [
      {
        method: "GET",
        path: "/elections",
        summary: "each election: who leads, whether we do, and what keeps us from campaigning",
        handle: () => ({
          text: `[${this.#electors.map(standingJson).join(",\n")}]\n`,
          contentType: "application/json",
        }),
      },
    ];
  }

  /** Read-only, for readiness probes and Prometheus; standbys that are never ready stall a Deployment's rollout. */
  get probePages(): ProbePages {
    return new Map([["/isLeader", (query) => this.#probePage(query)]]);
  }

  /** @throws OutriggerError `listen-failed`, `no-store`, `bad-timing`; nothing is left open then */
  async start(): Promise<void> {
    if (this.#state !== "new")
      throw new OutriggerError("already-started", "an elector starts once; create another");
    this.#state = "started";
    try {
      this.#elections = await openAll(electionsOf(this.#config), (config) => this.#open(config));
      this.#server = await this.#listen(this.#config.http);
      await this.#begin(this.#elections);
    } catch (thrown) {
      this.#state = "stopped";
      throw thrown;
    } finally {
      await this.#closeLate();
    }
  }

  /** What was opened since it was stopped: that knew nothing of it. */
  async #closeLate(): Promise<void> {
    if (this.#state === "stopped") await this.stop();
  }

  /**
   * Gives up what it leads, cutting what has not stopped: draining, where it is wanted, came before. A start or a reload that is
   * under way begins nothing any more, and closes what it has opened.
   */
  async stop(): Promise<void> {
    this.#state = "stopped";
    const all = [...this.#elections, ...this.#dropped];
    await Promise.all(all.map((election) => election.close()));
    await this.#cluster.close();
    await this.#server?.close();
    this.#server = null;
  }

  /**
   * Elections whose settings are the same go on undisturbed. One that is changed is given up in order, then taken part in
   * under its new settings; while it ends another replica may come to lead.
   * @throws OutriggerError `not-started`, `listen-failed`, `no-store`, `bad-timing`; the old config then serves on: untouched, or
   *   taken up again where a port or a command of the new one failed only after the old one's had been given up
   */
  async reload(config: LeaderElectorConfig): Promise<void> {
    if (this.#state !== "started")
      throw new OutriggerError("not-started", `cannot reload: this elector is ${this.#state}`);
    try {
      await this.#swap(config);
    } finally {
      await this.#closeLate();
    }
  }

  async #swap(config: LeaderElectorConfig): Promise<void> {
    const wanted = electionsOf(config);
    const same = (one: ElectionConfig, other: ElectionConfig): boolean =>
      JSON.stringify(one) === JSON.stringify(other);
    const kept = this.#elections.filter((open) => wanted.some((election) => same(election, open.config)));
    const fresh = wanted.filter((election) => !kept.some((open) => same(election, open.config)));
    const opened = await openAll(fresh, (election) => this.#open(election));
    const moved = JSON.stringify(config.http) !== JSON.stringify(this.#config.http);
    let server: BoundServer | null = null;
    try {
      if (moved) server = await this.#listen(config.http);
    } catch (thrown) {
      await Promise.all(opened.map((election) => election.close()));
      throw thrown;
    }
    const [former, formerConfig] = [this.#server, this.#config];
    const dropped = this.#elections.filter((open) => !kept.includes(open));
    if (server !== null) this.#server = server;
    this.#config = config;
    this.#elections = wanted.map(
      (election) => [...kept, ...opened].find((open) => same(election, open.config)) as OpenElection,
    );
    // The same election under other settings: what the former did has ended before the new one may begin.
    await Promise.all(dropped.map((election) => this.#retire(election)));
    try {
      await this.#begin(opened);
    } catch (thrown) {
      [this.#server, this.#config, this.#elections] = [former, formerConfig, kept];
      await Promise.all([server?.close(), ...opened.map((election) => election.close())]);
      await this.#takeUpAgain(dropped.map((election) => election.config));
      throw thrown;
    }
    if (server !== null) await former?.close();
  }

  /** What was given up for settings that cannot be used. */
  async #takeUpAgain(configs: readonly ElectionConfig[]): Promise<void> {
    if (this.#state === "stopped") return;
    const opened = await openAll(configs, (election) => this.#open(election));
    this.#elections = [...this.#elections, ...opened];
    await this.#begin(opened);
  }

  /** Nothing begins any more once it drains, or was stopped. */
  async #begin(opened: readonly OpenElection[]): Promise<void> {
    for (const { elector } of opened)
      if (this.#retiring === null && this.#state === "started") await elector.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #open(config: ElectionConfig): Promise<OpenElection> {
    const { log, metrics, surroundings, memory } = this.#deps;
    const cluster = () => this.#cluster.open();
    return openElection(config, { clock: this.#clock, log, metrics, surroundings, memory, cluster });
  }

  async #retire(election: OpenElection): Promise<void> {
    this.#dropped.add(election);
    const hurry = new AbortController();
    const limit = this.#deps.clock.timer(DROPPED_GRACE, () => hurry.abort());
    try {
      await election.elector.retire(hurry.signal, undefined, DROPPED_GRACE);
      await election.close();
    } finally {
      limit.clear();
      this.#dropped.delete(election);
    }
  }

  /** At SIGTERM: nobody begins any more; work stops, the workload leaves, and then the leases go back. */
  #apiListener(): DataListener {
    const callers = this.#callers;
    return {
      name: "http",
      role: "egress",
      addresses: this.#server?.addresses ?? [],
      drainBegins: (graceEnds, grace) => {
        const gone = callers.gone(graceEnds);
        const retire = ({ elector, workloadGone }: OpenElection): Promise<void> =>
          elector.retire(graceEnds, async () => (await gone) && workloadGone(graceEnds), grace);
        // What a reload is giving up has as long as the others.
        const dropped = [...this.#dropped].map(({ elector }) => elector.retire(graceEnds, undefined, grace));
        this.#retiring = Promise.all([...this.#elections.map(retire), ...dropped]).then(() => {});
      },
      stopAccepting: () => Promise.resolve(),
      // The release waits for callers by itself.
      connections: () => 0,
      inFlight: () => 0,
      drain: async (signal) => {
        const left = new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await Promise.race([this.#retiring, left]);
        return 0;
      },
    };
  }

  async #listen(http: HostPort): Promise<BoundServer> {
    const { host, port } = http;
    const address: ListenAddress =
      host === undefined
        ? { kind: "loopback", port }
        : host === "::"
          ? { kind: "all", port }
          : { kind: "host", host, port };
    const options: ApiOptions = {
      electors: () => this.#electors,
      clock: this.#deps.clock,
      callers: this.#callers,
    };
    return listen("http", address, electionApi(options), this.#deps.log);
  }

  #probePage(query: URLSearchParams): { status: number; body: string } {
    const name = query.get("election");
    const electors = this.#electors;
    const elector = name === null && electors.length === 1 ? electors[0] : this.elector(name ?? "");
    if (!elector) {
      const names = electors.map(({ election }) => election).join(", ");
      return { status: 400, body: `add ?election= and one of ${names}\n` };
    }
    elector.look();
    return { status: elector.view.isLeader ? 200 : 409, body: `${standingJson(elector)}\n` };
  }
}

/**
 * An elector as a library: nothing is global, two of them live in one process.
 * @throws OutriggerError `bad-config`
 */
export function createLeaderElector(
  config: LeaderElectorInput,
  deps: Partial<LeaderElectorDeps> = {},
): LeaderElector {
  return new LeaderElector(parseLeaderElectorConfig(config), {
    clock: deps.clock ?? systemClock,
    log: deps.log ?? silentLogger,
    metrics: deps.metrics ?? createMetrics(),
    surroundings: deps.surroundings ?? hereAndNow,
    memory: deps.memory ?? new Map(),
  });
}

/** All or none. */
async function openAll(
  configs: readonly ElectionConfig[],
  open: (config: ElectionConfig) => Promise<OpenElection>,
): Promise<OpenElection[]> {
  const opened = await Promise.allSettled(configs.map(open));
  const failure = opened.find((result) => result.status === "rejected");
  const there = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (!failure) return there;
  await Promise.all(there.map((election) => election.close()));
  throw failure.reason;
}
