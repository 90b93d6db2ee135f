/** The questions that discovery asks: the addresses of a name, and the services of a name with their addresses. */
import { isIP } from "node:net";
import type { Milliseconds } from "@outrigger/core";
import type { AddressAnswer, Family, NameResolver } from "./name-resolver.ts";
import type { ServiceRecord } from "./dns-client.ts";
import type { Answer } from "./watch.ts";

/** Addresses by family, because one family's silence must not lose what is known of it. */
export interface NameAddresses {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** One address of a service's target. */
export interface ServiceTarget {
  readonly record: ServiceRecord;
  readonly addresses: NameAddresses;
}

/** The addresses that `family` wants: auto is IPv4 if there is any, else IPv6. */
export function preferred<Value>(
  { v4, v6 }: { readonly v4: readonly Value[]; readonly v6: readonly Value[] },
  family: Family,
): readonly Value[] {
  if (family === "4") return v4;
  if (family === "6") return v6;
  if (family === "both") return [...v4, ...v6];
  return v4.length > 0 ? v4 : v6;
}

/** An IP literal or `localhost` (RFC 6761 section 6.3: never asked of DNS) is its own address. */
export function needsNoResolver(host: string): boolean {
  return isIP(host) !== 0 || host === "localhost" || host === "localhost.";
}

export async function lookupAddresses(
  resolver: NameResolver,
  name: string,
  family: Family,
  known: NameAddresses | null,
): Promise<Answer<NameAddresses>> {
  const answer = await resolver.addresses(name, family);
  return { value: merge(answer, known), ttl: answer.ttl, incomplete: answer.error };
}

/**
 * RFC 2782. The SRV answer's own TTL is not given by node:dns, so the smallest TTL of the targets' addresses counts
 * (in a cluster all records of a headless service have the same). A target whose addresses cannot be had keeps those
 * known of it.
 * @throws DnsFailure also for the target ".", which says that the service is not available here
 */
export async function lookupServices(
  resolver: NameResolver,
  name: string,
  family: Family,
  known: readonly ServiceTarget[] | null,
): Promise<Answer<readonly ServiceTarget[]>> {
  const records = (await resolver.services(name)).filter(({ target }) => target !== "." && target !== "");
  if (records.length === 0)
    throw new Error(`${name} SRV says that the service is not available here (target ".")`);
  let ttl: Milliseconds = Infinity;
  let incomplete: string | null = null;
  const targets = await Promise.all(
    records.map(async (record): Promise<ServiceTarget | null> => {
      const before = known?.find((target) => target.record.target === record.target)?.addresses ?? null;
      try {
        // A target is a full name: the dot keeps the search list out of it.
        const absolute = record.target.endsWith(".") ? record.target : `${record.target}.`;
        const answer = await resolver.addresses(absolute, family);
        ttl = Math.min(ttl, answer.ttl);
        incomplete ??= answer.error;
        return { record, addresses: merge(answer, before) };
      } catch (thrown) {
        incomplete ??= thrown instanceof Error ? thrown.message : String(thrown);
        return before && { record, addresses: before };
      }
    }),
  );
  const found = targets.filter((target) => target !== null);
  if (found.length === 0) throw new Error(incomplete ?? `${name} SRV has no target with an address`);
  found.sort((a, b) => order(a.record, b.record));
  return { value: found, ttl, incomplete };
}

function merge(answer: AddressAnswer, known: NameAddresses | null): NameAddresses {
  return { v4: answer.v4 ?? known?.v4 ?? [], v6: answer.v6 ?? known?.v6 ?? [] };
}

/** Servers rotate their answers; sorted, the same set looks the same. */
function order(a: ServiceRecord, b: ServiceRecord): number {
  return a.priority - b.priority || (a.target < b.target ? -1 : a.target > b.target ? 1 : a.port - b.port);
}
