/** Which names of the workload's old URLs are to mean this pod, so that the URLs need not change. */
import { formatHostPort } from "@outrigger/core";
import type { Path } from "../manifest/document.ts";
import type { Added } from "./addition.ts";
import { isAddress, type Route } from "./route.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";

const HERE = "127.0.0.1";
/** Where a listener can be reached there. */
const REACHED = /^(127\.0\.0\.1|localhost|0\.0\.0\.0|::)$/;
/** What the API server takes as a host alias (RFC 1123, lower case). */
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const isAliasName = (name: string): boolean =>
  NAME.test(name) && !isAddress(name) && name !== "localhost";

export interface AliasPlan {
  readonly additions: readonly { readonly path: Path; readonly added: Added }[];
  readonly names: readonly string[];
  readonly notes: readonly string[];
  readonly problems: readonly { readonly path: Path; readonly message: string }[];
}

/** @param spec the PodSpec */
export function planAliases(spec: Fields, routes: readonly Route[], asked: readonly string[]): AliasPlan {
  const notes: string[] = [];
  const problems: { path: Path; message: string }[] = [];
  const wanted = new Set(asked);
  for (const route of routes) for (const name of namesOf(route, notes)) wanted.add(name);
  for (const route of routes) {
    const looping = route.targets.find(({ host }) => wanted.has(host.toLowerCase()));
    if (route.discovery === "static" && looping) {
      problems.push({
        path: ["spec"],
        message: `the route ${route.text} would call itself: discovery=static takes ${looping.host} from the pod's hosts file, in which it is ${HERE}; leave discovery out (dns looks past the hosts file)`,
      });
    }
  }

  const entries = list(spec["hostAliases"]).map(fields);
  const here = entries.findIndex((entry) => entry["ip"] === HERE);
  const missing: string[] = [];
  for (const name of wanted) {
    const at = entries.findIndex((entry) => list(entry["hostnames"]).includes(name));
    const ip = at < 0 ? undefined : text(entries[at]?.["ip"]);
    if (ip === undefined) missing.push(name);
    else if (ip !== HERE) {
      problems.push({
        path: ["spec", "hostAliases", at],
        message: `makes ${name} mean ${ip}, and the ambassador needs it to mean ${HERE}: take the name out of that entry (a route can name the address itself)`,
      });
    }
  }
  if (missing.length > 0) {
    notes.push(
      `${missing.join(", ")}: in this pod now ${HERE}, on every port; a port of ${missing.length > 1 ? "theirs" : "its"} that no route listens on is refused`,
    );
  }
  return { additions: additionsFor(missing, here, entries[here]), names: [...wanted], notes, problems };
}

function additionsFor(
  names: readonly string[],
  here: number,
  entry: Fields | undefined,
): { path: Path; added: Added }[] {
  if (names.length === 0) return [];
  // The API server merges entries by address: a second one for 127.0.0.1 would be refused, or take the first one's place.
  if (entry) return [{ path: ["spec", "hostAliases", here, "hostnames"], added: { items: names } }];
  return [{ path: ["spec", "hostAliases"], added: { items: [{ ip: HERE, hostnames: names }] } }];
}

/** The names for which the workload's old URL and the route's address are one. */
function namesOf(route: Route, notes: string[]): string[] {
  if (route.role === "ingress" || route.discovery === "srv") return [];
  const names: string[] = [];
  for (const { host, port } of route.targets) {
    if (host === "localhost" || isAddress(host)) continue;
    const name = host.toLowerCase().replace(/\.$/, "");
    const { port: own, host: listenHost } = route.listen;
    const say = (why: string): void =>
      void notes.push(
        `no alias for ${host}: ${why}; the workload reaches it at localhost:${own}, or by a name that you give with --alias`,
      );
    if (port !== own) {
      say(`${formatHostPort(route.listen)} is not the port of its old URL (${port ?? "none is given"})`);
    } else if (listenHost !== undefined && !REACHED.test(listenHost)) {
      say(`${formatHostPort(route.listen)} is not ${HERE}`);
    } else if (route.protocol === "https") {
      say("its old URL speaks TLS, and this route listens in clear");
    } else if (!isAliasName(name)) {
      say("Kubernetes takes no such name as an alias");
    } else names.push(name);
  }
  return names;
}
