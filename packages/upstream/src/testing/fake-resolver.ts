/** A NameResolver that answers from a table, at once. */
import { DnsFailure, type ServiceRecord } from "../discovery/dns-client.ts";
import type { AddressAnswer, NameResolver } from "../discovery/name-resolver.ts";

export interface FakeResolver extends NameResolver {
  readonly hosts: Map<string, Partial<AddressAnswer> | "fails" | "hangs">;
  readonly records: Map<string, readonly ServiceRecord[] | "fails">;
  readonly questions: string[];
  closed: boolean;
}

/** @param hosts name to IPv4 addresses, TTL 30 s */
export function fakeResolver(hosts: Record<string, readonly string[]> = {}): FakeResolver {
  const resolver: FakeResolver = {
    hosts: new Map(Object.entries(hosts).map(([name, v4]) => [name, { v4 }])),
    records: new Map(),
    questions: [],
    closed: false,
    async addresses(name) {
      resolver.questions.push(name);
      const known = resolver.hosts.get(name);
      if (known === "hangs") return new Promise(() => {});
      if (known === "fails") throw new DnsFailure("failed", `${name} A: no answer from 10.96.0.10`);
      if (known === undefined) throw new DnsFailure("unknown", `${name} is not known to DNS`);
      return { v4: [], v6: [], ttl: 30_000, error: null, ...known };
    },
    async services(name) {
      resolver.questions.push(name);
      const known = resolver.records.get(name);
      if (known === "fails") throw new DnsFailure("failed", `${name} SRV: no answer from 10.96.0.10`);
      if (known === undefined) throw new DnsFailure("unknown", `${name} is not known to DNS`);
      return known;
    },
    close: () => void (resolver.closed = true),
  };
  return resolver;
}
