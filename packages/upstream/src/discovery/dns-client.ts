/**
 * One question to the name servers for one absolute name, by node:dns's Resolver (c-ares): it speaks to the servers
 * itself, so neither /etc/hosts nor the search list has a part in it, and it gives the TTL.
 */
import { Resolver } from "node:dns/promises";
import type { Milliseconds } from "@outrigger/core";

export interface TimedAddress {
  readonly address: string;
  readonly ttl: Milliseconds;
}

/** RFC 2782. Weight and priority as published. */
export interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface DnsClient {
  /** @throws DnsFailure */
  addresses(absoluteName: string, family: 4 | 6): Promise<readonly TimedAddress[]>;
  /** @throws DnsFailure */
  services(absoluteName: string): Promise<readonly ServiceRecord[]>;
  /** Ends what is under way, with a failure. */
  close(): void;
}

/**
 * Why a question has no answer. "none": the name exists, without records of that type. "unknown": no such name.
 * "failed": the servers did not say (silence, SERVFAIL, REFUSED, garbage).
 */
export class DnsFailure extends Error {
  readonly kind: "none" | "unknown" | "failed";

  constructor(kind: "none" | "unknown" | "failed", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface DnsServers {
  readonly servers: readonly string[];
  readonly timeout: Milliseconds;
  readonly attempts: number;
}

export function createDnsClient({ servers, timeout, attempts }: DnsServers): DnsClient {
  const resolver = new Resolver({ timeout, tries: attempts });
  resolver.setServers([...servers]);
  const ask = async <Answer>(
    question: string,
    query: Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> => {
    let answer: readonly Answer[];
    try {
      answer = await query;
    } catch (thrown) {
      throw failure(question, servers, thrown);
    }
    if (answer.length === 0) throw new DnsFailure("none", `${question}: no records`);
    return answer;
  };
  return {
    async addresses(name, family) {
      const query =
        family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
      const records = await ask(`${name} ${family === 4 ? "A" : "AAAA"}`, query);
      return records.map(({ address, ttl }) => ({ address, ttl: ttl * 1000 }));
    },
    async services(name) {
      const records = await ask(`${name} SRV`, resolver.resolveSrv(name));
      return records.map((record) => ({
        target: record.name,
        port: record.port,
        priority: record.priority,
        weight: record.weight,
      }));
    },
    close: () => resolver.cancel(),
  };
}

function failure(question: string, servers: readonly string[], thrown: unknown): DnsFailure {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (code === "ENODATA") return new DnsFailure("none", `${question}: no records`, { cause: thrown });
  if (code === "ENOTFOUND") return new DnsFailure("unknown", `${question}: no such name`, { cause: thrown });
  const words: Readonly<Record<string, string>> = {
    ETIMEOUT: "no answer",
    ESERVFAIL: "server failure (SERVFAIL)",
    EREFUSED: "refused",
    ECONNREFUSED: "nothing listens there, or no socket could be had",
    EBADRESP: "an answer that cannot be read",
    ECANCELLED: "given up, because we stop",
  };
  return new DnsFailure(
    "failed",
    `${question}: ${words[code] ?? (code || String(thrown))} from ${servers.join(", ")}`,
    {
      cause: thrown,
    },
  );
}
