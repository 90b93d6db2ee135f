/** Ports on localhost: who will listen on which, and whether two want the same one. */
import { createServer } from "node:net";
import type { Pattern } from "./image.ts";
import type { ContainerContext } from "./container-context.ts";
import type { PodPlan, PortClaim } from "./plan.ts";

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
  const probe = portOf(given("probe")) ?? pattern.probePort;
  const control = portOf(given("control")) ?? pattern.controlPort;
  const controlOff = /^(off$|false$|unix:)/.test(given("control") ?? "");
  const lines = flag(argv, "--route");
  const fromEnv = lines.length > 0 ? [] : (env["OUTRIGGER_ROUTES"] ?? "").split(/\s+/);
  const routes = [...lines, ...fromEnv].flatMap((route) => portOf(route.split("=")[0]) ?? []);
  return {
    probe: probe === 0 ? null : probe,
    claims: (context) => {
      const claim = (port: number, because: string): PortClaim[] =>
        port === 0
          ? []
          : [
              {
                port,
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
        ...routes.flatMap((port) =>
          claim(
            port,
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

/** The port of `PORT` or `HOST:PORT`. */
function portOf(text: string | undefined): number | undefined {
  const match = /^(?:.*:)?(\d{1,5})$/.exec(text ?? "");
  return match && Number(match[1]) <= 65535 ? Number(match[1]) : undefined;
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

/** One sentence for each claimed port on which something on this machine listens already. */
export async function taken(pods: readonly PodPlan[]): Promise<string[]> {
  const sentences: string[] = [];
  const claims = new Map<number, PortClaim>();
  for (const pod of pods) {
    for (const container of [...pod.init, ...pod.main]) {
      for (const claim of container.ports) if (!claims.has(claim.port)) claims.set(claim.port, claim);
    }
  }
  for (const claim of claims.values()) {
    const error = await tryListen(claim.port);
    if (error === null) continue;
    const why =
      error === "EACCES"
        ? "needs rights that you do not have (ports below 1024): give the container a higher port"
        : "is taken by another process of this machine: stop it, or give the container another port";
    sentences.push(`port ${claim.port} of ${claim.pod}/${claim.container} (${claim.because}) ${why}`);
  }
  return sentences;
}

function tryListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(null)));
  });
}
