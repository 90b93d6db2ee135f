/**
 * resolv.conf(5): name servers, search list, ndots, timeout, attempts. Unknown lines and options are passed over, as
 * every resolver does. Differs from glibc: more than three name servers are used, and a name server may carry a port,
 * `127.0.0.1:5353` or `[::1]:5353`.
 */
import { isIP } from "node:net";
import type { Milliseconds } from "@outrigger/core";

export interface ResolvConf {
  /** IP, IP:PORT or [IP]:PORT, in the order to ask them. */
  readonly servers: readonly string[];
  /** Suffixes without the dot at their end. */
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it is first. */
  readonly ndots: number;
  readonly timeout: Milliseconds;
  readonly attempts: number;
}

/** What the C library does without the file: the name server of this machine, and the name as it is. */
export const defaultResolvConf: ResolvConf = {
  servers: ["127.0.0.1"],
  search: [],
  ndots: 1,
  timeout: 5000,
  attempts: 2,
};

/** Reads any text; never throws. Out of range values are brought into range: ndots 0..15, timeout 1..30 s, attempts 1..5. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let { ndots, timeout, attempts } = defaultResolvConf;
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver" && words[0] && isServer(words[0])) servers.push(words[0]);
    // The last search or domain line counts.
    if (keyword === "search" || keyword === "domain") {
      search = (keyword === "search" ? words : words.slice(0, 1))
        .map((suffix) => suffix.replace(/\.$/, ""))
        .filter((suffix) => suffix !== "");
    }
    if (keyword !== "options") continue;
    for (const word of words) {
      const [name, value] = word.split(":");
      if (!/^\d{1,6}$/.test(value ?? "")) continue;
      if (name === "ndots") ndots = Math.min(15, Number(value));
      if (name === "timeout") timeout = Math.min(30, Math.max(1, Number(value))) * 1000;
      if (name === "attempts") attempts = Math.min(5, Math.max(1, Number(value)));
    }
  }
  return {
    servers: servers.length > 0 ? servers : defaultResolvConf.servers,
    search,
    ndots,
    timeout,
    attempts,
  };
}

/** An address that a name server can have: IP, IP:PORT, [IP]:PORT; an IPv6 zone (`fe80::1%eth0`) is allowed. */
export function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const match = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) < 1 || Number(match[3]) > 65_535) return false;
  return match[1] === undefined ? isIP(match[2] as string) === 4 : isIP(match[1]) === 6;
}

/**
 * The absolute names to try for `name`, in order, without the dot at their end. A name that ends with a dot is
 * absolute. One with at least `ndots` dots is tried as it is first, then with each suffix; one with fewer, last.
 */
export function searchOrder(name: string, conf: Pick<ResolvConf, "search" | "ndots">): readonly string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const suffixed = conf.search.map((suffix) => `${name}.${suffix}`);
  const dots = name.split(".").length - 1;
  return dots >= conf.ndots ? [name, ...suffixed] : [...suffixed, name];
}
