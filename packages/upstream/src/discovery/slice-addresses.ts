/**
 * From a Service's EndpointSlices to the addresses that take traffic, as kube-proxy reads them: all slices are one set, an
 * address that is in several counts once; nil `ready` is true; where none is ready, those that serve while they terminate.
 * Only an endpoint's first address has a meaning (discovery/v1), and only slices of IP addresses are read.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { EndpointSlice } from "@outrigger/core/kubernetes";

/** A Service as an endpoint's host names it: `catalog`, `catalog.shop`, `catalog.shop.svc`, `catalog.shop.svc.cluster.local`. */
export interface ServiceName {
  readonly service: string;
  /** null: the pod's own. */
  readonly namespace: string | null;
}

/** null: it is the name of no Service. */
export function parseServiceName(host: string): ServiceName | null {
  const [service = "", namespace = null, svc = "svc"] = host.replace(/\.$/, "").split(".");
  const valid = (label: string): boolean =>
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label) && label.length <= 63;
  return valid(service) && (namespace === null || valid(namespace)) && svc === "svc"
    ? { service, namespace }
    : null;
}

/** An address and its port. */
export interface SlicePlace {
  readonly address: string;
  readonly port: number;
}

/**
 * A port by its name in the Service, or by its number: the pods', or else the Service's own where the pods have only one.
 * @returns in the order of their addresses, by family
 */
export function placesOf(
  slices: Iterable<EndpointSlice>,
  wanted: number | string,
): { readonly v4: readonly SlicePlace[]; readonly v6: readonly SlicePlace[] } {
  const ready = new Map<string, SlicePlace>();
  const leaving = new Map<string, SlicePlace>();
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType !== "IPv4" && addressType !== "IPv6") continue;
    const port = portOf(ports ?? [], wanted);
    if (port === null) continue;
    for (const { addresses, conditions } of endpoints ?? []) {
      const [address = ""] = addresses;
      if (!(addressType === "IPv4" ? isIPv4 : isIPv6)(address)) continue;
      const place = { address, port };
      if (conditions?.ready !== false) ready.set(`${address} ${port}`, place);
      else if (conditions.terminating === true && conditions.serving !== false)
        leaving.set(`${address} ${port}`, place);
    }
  }
  const found = [...(ready.size > 0 ? ready : leaving).entries()].sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const places = found.map(([, place]) => place);
  return {
    v4: places.filter(({ address }) => isIPv4(address)),
    v6: places.filter(({ address }) => isIPv6(address)),
  };
}

/** Why `placesOf` finds none, in words. */
export function whyNoPlace(slices: readonly EndpointSlice[], wanted: number | string): string {
  if (slices.length === 0) return "there is no EndpointSlice of a Service of that name";
  const filled = slices.filter(({ endpoints }) => (endpoints ?? []).length > 0);
  if (filled.length === 0) return "it has no pod";
  const ports = filled.flatMap((slice) => slice.ports ?? []);
  if (filled.every((slice) => portOf(slice.ports ?? [], wanted) === null)) {
    const has = new Set(
      ports.map(({ name, port }) => (name ? `${name} (${port ?? "any"})` : `${port ?? "any"}`)),
    );
    return `it has no TCP port ${wanted}, but ${[...has].join(", ") || "none"}`;
  }
  return "none of its pods is ready";
}

function portOf(ports: NonNullable<EndpointSlice["ports"]>, wanted: number | string): number | null {
  const tcp = ports.filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
  if (typeof wanted === "string") return tcp.find(({ name }) => name === wanted)?.port ?? null;
  if (tcp.some(({ port }) => port === wanted)) return wanted;
  const [only] = tcp;
  // A nil port is every port.
  return tcp.length === 1 ? (only?.port ?? wanted) : null;
}
