/**
 * Names to addresses by our own rules: search list and ndots as resolv.conf(5) says, never through /etc/hosts, where
 * an injected alias may point the very name at us.
 *
 * The search goes on after "no such name" and "no records", and stops at silence or a server failure, as musl does
 * (glibc goes on after SERVFAIL): else one failing zone would turn `catalog` into a stranger's `catalog.example.com`.
 */
import { readText, type Milliseconds } from "@outrigger/core";
import {
  createDnsClient,
  DnsFailure,
  type DnsClient,
  type DnsServers,
  type ServiceRecord,
} from "./dns-client.ts";
import { defaultResolvConf, parseResolvConf, searchOrder, type ResolvConf } from "./resolv-conf.ts";

export type Family = "auto" | "4" | "6" | "both";

/** One family's answer: addresses, or that it surely has none ([]), or that nobody said (null). */
export interface AddressAnswer {
  readonly v4: readonly string[] | null;
  readonly v6: readonly string[] | null;
  /** The smallest of the records; Infinity without records. */
  readonly ttl: Milliseconds;
  /** Why a family is null. */
  readonly error: string | null;
}

export interface NameResolver {
  /** @throws DnsFailure when no family has an answer */
  addresses(name: string, family: Family): Promise<AddressAnswer>;
  /** @throws DnsFailure */
  services(name: string): Promise<readonly ServiceRecord[]>;
  /** Ends what is under way, with a failure. */
  close(): void;
}

export interface NameResolverOptions {
  /** Path of the resolv.conf(5) file; read again for each question, as it may change. */
  readonly dnsConfig: string;
  /** Instead of the file's name servers, unless empty. */
  readonly dnsServers: readonly string[];
}

export class SearchingResolver implements NameResolver {
  readonly #options: NameResolverOptions;
  readonly #createClient: (servers: DnsServers) => DnsClient;
  #client: DnsClient | null = null;
  #clientFor = "";
  #conf: ResolvConf = defaultResolvConf;
  #closed = false;

  constructor(
    options: NameResolverOptions,
    createClient: (servers: DnsServers) => DnsClient = createDnsClient,
  ) {
    this.#options = options;
    this.#createClient = createClient;
  }

  async addresses(name: string, family: Family): Promise<AddressAnswer> {
    const client = await this.#ready();
    return this.#search(name, (absolute) => askAddresses(client, absolute, family));
  }

  async services(name: string): Promise<readonly ServiceRecord[]> {
    const client = await this.#ready();
    return this.#search(name, (absolute) => client.services(absolute));
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = null;
  }

  async #search<Answer>(name: string, ask: (absolute: string) => Promise<Answer>): Promise<Answer> {
    const tried: string[] = [];
    let exists = false;
    for (const absolute of searchOrder(name, this.#conf)) {
      try {
        return await ask(absolute);
      } catch (thrown) {
        if (!(thrown instanceof DnsFailure) || thrown.kind === "failed") throw thrown;
        if (thrown.kind === "none") exists = true;
        tried.push(absolute);
      }
    }
    const what = exists ? "has no such records" : "is not known";
    throw new DnsFailure(exists ? "none" : "unknown", `${name} ${what} to DNS, tried as ${tried.join(", ")}`);
  }

  /** The client for what the file says now. */
  async #ready(): Promise<DnsClient> {
    let text = "";
    try {
      text = await readText(this.#options.dnsConfig);
    } catch {
      // Without the file the C library asks this machine's own server; so do we, and its failure will say so.
    }
    if (this.#closed) throw new DnsFailure("failed", "given up, because we stop");
    this.#conf = parseResolvConf(text);
    const servers = this.#options.dnsServers.length > 0 ? this.#options.dnsServers : this.#conf.servers;
    const { timeout, attempts } = this.#conf;
    const wanted = JSON.stringify([servers, timeout, attempts]);
    if (!this.#client || wanted !== this.#clientFor) {
      // The old client is not closed: questions of other names may be under way on it; it holds nothing else.
      this.#client = this.#createClient({ servers, timeout, attempts });
      this.#clientFor = wanted;
    }
    return this.#client;
  }
}

async function askAddresses(client: DnsClient, name: string, family: Family): Promise<AddressAnswer> {
  const [v4, v6] = await Promise.all([
    family === "6" ? null : settle(client.addresses(name, 4)),
    family === "4" ? null : settle(client.addresses(name, 6)),
  ]);
  const failures = [v4, v6].flatMap((answer) => (answer instanceof DnsFailure ? [answer] : []));
  const asked = family === "4" || family === "6" ? 1 : 2;
  if (failures.length === asked) {
    // Silence weighs more than "no such name": with it, nothing is known.
    throw (
      failures.find(({ kind }) => kind === "failed") ??
      failures.find(({ kind }) => kind === "none") ??
      failures[0]
    );
  }
  const ttls = [v4, v6].flatMap((answer) =>
    answer && !(answer instanceof DnsFailure) ? answer.map((r) => r.ttl) : [],
  );
  return {
    v4: addressesOf(v4),
    v6: addressesOf(v6),
    ttl: Math.min(...ttls),
    error: failures.find(({ kind }) => kind === "failed")?.message ?? null,
  };
}

async function settle<Answer>(question: Promise<Answer>): Promise<Answer | DnsFailure> {
  try {
    return await question;
  } catch (thrown) {
    if (thrown instanceof DnsFailure) return thrown;
    throw thrown;
  }
}

function addressesOf(answer: readonly { address: string }[] | DnsFailure | null): readonly string[] | null {
  if (answer === null) return [];
  if (answer instanceof DnsFailure) return answer.kind === "failed" ? null : [];
  // Servers rotate their answers; sorted, the same set looks the same.
  return [...new Set(answer.map(({ address }) => address))].sort();
}
