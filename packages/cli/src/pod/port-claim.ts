/** Ports on localhost: who will listen on which, and whether two want the same one. */
import { createServer } from "node:net";
import type { Pattern } from "./image.ts";
import type { ContainerContext } from "./container-context.ts";
import type { LoopbackAddress, PodPlan, PortClaim } from "./plan.ts";

type Claimant = Pick<ContainerContext, "pod" | "container" | "at">;

const pathOf = (context: Claimant, rest: string): string =>
  `${[...context.pod.specPath, context.at[0]].join(".")}[${context.at[1]}]${rest}`;

/** The TCP ports that a container's spec lists. */
export function containerPorts(context: Claimant): PortClaim[] {
  return (context.container.ports ?? []).flatMap((port, index) =>
    port.protocol === undefined || port.protocol === "TCP"
      ? [
          {
            port: port.containerPort,
            addresses: ["127.0.0.1"],
            podId: context.pod.id,
            pod: context.pod.label,
            container: context.container.name,
            because: pathOf(context, `.ports[${index}].containerPort`),
          },
        ]
      : [],
  );
}

export interface PatternListeners {
  /** The probe server's port; null where it is chosen at start (0). */
  readonly probe: number | null;
  claims(context: Claimant): PortClaim[];
}

/** What a pattern container listens on: its probe and control servers, and each route of its arguments. */
export function patternListeners(
  pattern: Pattern,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): PatternListeners {
  // As core reads them: the flag, or else its twin in the environment, where empty is not set.
  const given = (name: "probe" | "control"): string | undefined =>
    flag(argv, `--${name}`).at(-1) ?? (env[`OUTRIGGER_${name.toUpperCase()}`] || undefined);
  const probe = placeOf(given("probe")) ?? { port: pattern.probePort, addresses: BOTH };
  const control = placeOf(given("control")) ?? { port: pattern.controlPort, addresses: BOTH };
  const controlOff = /^(off$|false$|unix:)/.test(given("control") ?? "");
  const lines = flag(argv, "--route");
  const fromEnv = lines.length > 0 ? [] : (env["OUTRIGGER_ROUTES"] ?? "").split(/\s+/);
  const routes = [...lines, ...fromEnv].flatMap((route) => placeOf(route.split("=")[0]) ?? []);
  return {
    probe: probe.port === 0 ? null : probe.port,
    claims: (context) => {
      const claim = (place: Place, because: string): PortClaim[] =>
        place.port === 0
          ? []
          : [
              {
                ...place,
                podId: context.pod.id,
                pod: context.pod.label,
                container: context.container.name,
                because,
              },
            ];
      return [
        ...claim(probe, `the ${pattern.name}'s probe server, --probe PORT moves it`),
        ...(controlOff
          ? []
          : claim(control, `the ${pattern.name}'s control server, --control PORT moves it`)),
        ...routes.flatMap((place) =>
          claim(
            place,
            lines.length > 0 ? `a --route of ${pathOf(context, ".args")}` : "a route of OUTRIGGER_ROUTES",
          ),
        ),
      ];
    },
  };
}

/** The values of a flag, written `--flag value` or `--flag=value`. */
function flag(argv: readonly string[], name: string): string[] {
  return argv.flatMap((word, index) => {
    if (word.startsWith(`${name}=`)) return [word.slice(name.length + 1)];
    const next = argv[index + 1];
    return word === name && next !== undefined ? [next] : [];
  });
}

type Place = Pick<PortClaim, "port" | "addresses">;
const BOTH: readonly LoopbackAddress[] = ["127.0.0.1", "::1"];

/** The place of `PORT` or `HOST:PORT`. Pattern containers listen on both loopbacks where they are given no address. */
function placeOf(text: string | undefined): Place | undefined {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text ?? "");
  if (!match || Number(match[2]) > 65535) return undefined;
  const [, host] = match;
  const port = Number(match[2]);
  if (host === undefined || host === "localhost" || host === "[::]") return { port, addresses: BOTH };
  return { port, addresses: [host.startsWith("[") ? "::1" : "127.0.0.1"] };
}

/** One sentence for each port that two containers claim. A container's claims of one port are one claim. */
export function clashes(pods: readonly PodPlan[], sharedNetwork: boolean): string[] {
  const sentences: string[] = [];
  const holders = new Map<string, PortClaim>();
  for (const pod of pods) {
    for (const container of [...pod.init, ...pod.main]) {
      for (const claim of container.ports) {
        const key = sharedNetwork ? String(claim.port) : `${pod.id} ${claim.port}`;
        const holder = holders.get(key);
        if (!holder) holders.set(key, claim);
        else if (holder.podId === claim.podId && holder.container === claim.container) continue;
        else {
          const remedy =
            holder.podId === claim.podId
              ? "containers of one pod share its localhost: give one of them another port"
              : "the pods share the laptop's localhost: give one of them other ports, run them one at a time, or, where the system allows network namespaces, use --network namespace";
          sentences.push(
            `port ${claim.port} is claimed twice: by ${holder.pod}/${holder.container} (${holder.because}) and by ${claim.pod}/${claim.container} (${claim.because}); ${remedy}`,
          );
        }
      }
    }
  }
  return sentences;
}

/** @returns the error code, null where it can be listened on */
type TryListen = (port: number, host: LoopbackAddress) => Promise<string | null>;
/** A machine without IPv6: a pattern container does without it too. */
const NO_IPV6: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/** One sentence for each claimed port on which something on this machine listens already. */
export async function taken(pods: readonly PodPlan[], tryListen: TryListen = listenOnce): Promise<string[]> {
  const sentences = new Map<number, string>();
  const tried = new Set<string>();
  const claims = pods.flatMap((pod) => [...pod.init, ...pod.main].flatMap(({ ports }) => ports));
  for (const claim of claims) {
    for (const address of claim.addresses) {
      const place = `${address} ${claim.port}`;
      if (tried.has(place)) continue;
      tried.add(place);
      const error = await tryListen(claim.port, address);
      if (error === null || (address === "::1" && NO_IPV6.has(error)) || sentences.has(claim.port)) continue;
      const at = address === "::1" ? " at [::1]" : "";
      const why =
        error === "EACCES"
          ? "needs rights that you do not have (ports below 1024): give the container a higher port"
          : `is taken${at} by another process of this machine: stop it, or give the container another port`;
      sentences.set(
        claim.port,
        `port ${claim.port} of ${claim.pod}/${claim.container} (${claim.because}) ${why}`,
      );
    }
  }
  return [...sentences.values()];
}

const listenOnce: TryListen = (port, host) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
