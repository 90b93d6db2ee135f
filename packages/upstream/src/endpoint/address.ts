/** The text form of an endpoint in configuration: `HOST[:PORT][*WEIGHT]`, IPv6 in brackets (RFC 3986 section 3.2.2). */
import { isIP } from "node:net";
import { OutriggerError } from "@outrigger/core";

export interface Address {
  /** A DNS name or an IP literal, without brackets. */
  readonly host: string;
  /** null: not given, which only `srv` discovery allows, or named. */
  readonly port: number | null;
  /** Instead of a number, which only `kubernetes` discovery allows: the port's name in the Service. */
  readonly portName?: string;
  /** Share of the traffic relative to the others; 0 = drained. */
  readonly weight: number;
}

const WEIGHT = /^\d{1,6}(?:\.\d{1,3})?$/;
/** RFC 1123 names plus the underscore of service labels (RFC 2782) and the dot that ends an absolute name. */
const NAME = /^(?=.{1,254}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;
/** RFC 6335's service names, as long as a Service's port may have one. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ONLY_DIGITS_AND_DOTS = /^[\d.]+$/;

/**
 * Reads `catalog:8080`, `10.0.0.1:80*3`, `[::1]:6379`, `_http._tcp.catalog`.
 * @param named `catalog:http` as well
 * @throws OutriggerError `bad-endpoint`
 */
export function parseAddress(text: string, named = false): Address {
  const star = text.lastIndexOf("*");
  const weightText = star < 0 ? "1" : text.slice(star + 1);
  if (!WEIGHT.test(weightText)) throw bad(text, `the weight ${JSON.stringify(weightText)} is not a number`);
  const place = star < 0 ? text : text.slice(0, star);
  const { host, portText } = splitPort(text, place);
  let port: number | null = null;
  if (named && portText !== null && PORT_NAME.test(portText))
    return { host, port, portName: portText, weight: Number(weightText) };
  if (portText !== null) {
    port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
    if (port < 1 || port > 65_535) {
      throw bad(text, `the port ${JSON.stringify(portText)} is not a number between 1 and 65535`);
    }
  }
  return { host, port, weight: Number(weightText) };
}

function splitPort(text: string, place: string): { host: string; portText: string | null } {
  if (place.startsWith("[")) {
    const end = place.indexOf("]");
    const host = place.slice(1, end);
    if (end < 0 || isIP(host) !== 6) throw bad(text, "what stands in brackets is not an IPv6 address");
    const rest = place.slice(end + 1);
    if (rest === "") return { host, portText: null };
    if (!rest.startsWith(":")) throw bad(text, `${JSON.stringify(rest)} after the bracket is not :PORT`);
    return { host, portText: rest.slice(1) };
  }
  const colon = place.indexOf(":");
  if (colon !== place.lastIndexOf(":")) throw bad(text, "an IPv6 address is written in brackets, [::1]:8080");
  const host = colon < 0 ? place : place.slice(0, colon);
  const numeric = ONLY_DIGITS_AND_DOTS.test(host);
  if (numeric ? isIP(host) !== 4 : !NAME.test(host)) {
    throw bad(text, `${JSON.stringify(host)} is neither a DNS name nor an IP address`);
  }
  return { host, portText: colon < 0 ? null : place.slice(colon + 1) };
}

function bad(text: string, why: string): OutriggerError {
  return new OutriggerError(
    "bad-endpoint",
    `${JSON.stringify(text)} is not an endpoint: ${why}; write HOST:PORT or HOST:PORT*WEIGHT, for example catalog:8080, 10.0.0.1:80*3 or [::1]:6379`,
  );
}

/** `host:port`, IPv6 in brackets: an endpoint's key. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Writes what parseAddress reads. */
export function formatAddress({ host, port, portName, weight }: Address): string {
  const bare = host.includes(":") ? `[${host}]` : host;
  const place =
    port !== null ? formatHostPort(host, port) : portName === undefined ? bare : `${bare}:${portName}`;
  return weight === 1 ? place : `${place}*${weight}`;
}
