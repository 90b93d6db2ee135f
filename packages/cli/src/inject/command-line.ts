/** The words of `outrigger inject` and `outrigger uninject`: their flags, their manuals, their parsers. */
import { readFileSync } from "node:fs";
import { closest } from "@outrigger/core";
import { flagLines, readWords, usageError, type Flag } from "../flag-words.ts";
import { isAliasName } from "./host-aliases.ts";
import type { ConfigMapKey, InjectOptions, UninjectOptions } from "./options.ts";
import { INJECTABLES } from "./pattern-table.ts";

const IMAGE_PREFIX = "ghcr.io/outrigger";
const PATTERNS = INJECTABLES.map(({ pattern }) => pattern.name);
/** What --config-map without a pattern means. */
const FIRST = "ambassador";
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

const EXAMPLES: Readonly<Record<string, string>> = {
  "leader-elector": "election=web or health=tcp:3000",
  "work-queue":
    "backend=redis://redis:6379 or concurrency=4; of inject itself is volume=NAME, the pod's volume for backend=embedded:DIR",
};

const FILES: Flag = {
  name: "--filename",
  short: "-f",
  value: "FILE",
  repeated: true,
  help: "manifests, YAML or JSON; - is standard input, which is also the default; may be repeated",
};
const ONLY: Flag = {
  name: "--only",
  value: "[KIND/]NAME",
  repeated: true,
  help: "only this workload of the input, for example deployment/web; may be repeated; the others pass through",
};

const FLAGS: readonly Flag[] = [
  ...INJECTABLES.map(({ pattern: { name }, takes }) => ({
    name: `--${name}`,
    value: takes === "routes" ? "ROUTE" : "FLAG",
    repeated: true,
    help:
      takes === "routes"
        ? `a route of outrigger-${name}, as its --route takes it; may be repeated`
        : `a flag of outrigger-${name} without its dashes, for example ${EXAMPLES[name]}; may be repeated`,
  })),
  {
    name: "--gate",
    value: "ROUTE",
    repeated: true,
    help: "an ambassador's route before the workload, for who calls in: role=ingress and 0.0.0.0 are filled in, for example 8080=http://127.0.0.1:3000; may be repeated",
  },
  {
    name: "--alias",
    value: "NAME",
    repeated: true,
    help: "one more name that is to mean 127.0.0.1 in the pod; may be repeated",
  },
  {
    name: "--config-map",
    value: "[PATTERN=]NAME[/KEY]",
    repeated: true,
    help: `a ConfigMap with the pattern's configuration file, mounted read-only, followed live; route flags take the place of all routes in it; KEY is config.yaml and PATTERN ${FIRST} unless given`,
  },
  {
    name: "--container",
    value: "NAME",
    help: "the container behind the gates, where the pod has several and none declares the gate's target as containerPort",
  },
  {
    name: "--drain-token",
    value: "TOKEN",
    help: "what the workload's preStop sends to the gate as x-outrigger-drain; default preStop, which keeps out accidents and no attacker",
  },
  {
    name: "--no-pre-stop",
    value: null,
    help: "add none: the workload's own preStop calls the gate's /drain",
  },
  {
    name: "--classic",
    value: null,
    help: "an ordinary container that stands first and is waited for (postStart), for Kubernetes before 1.29; ends together with the workload, not after it",
  },
  {
    name: "--no-sysctl",
    value: null,
    help: "for routes on ports below 1024: do not add net.ipv4.ip_unprivileged_port_start=0 to the pod, since the nodes have it (Docker, containerd 2)",
  },
  {
    name: "--allow-host-network",
    value: null,
    help: "also into pods with hostNetwork, where whoever reaches the node reaches the ambassador",
  },
  { name: "--image-prefix", value: "PREFIX", help: `where the images are; default ${IMAGE_PREFIX}` },
  { name: "--image-tag", value: "TAG", help: "of the images; default: this version" },
  {
    name: "--image-pull-policy",
    value: PULL_POLICIES.join("|"),
    help: "default: none is written, and Kubernetes decides",
  },
  {
    name: "--rbac",
    value: "FILE",
    help: "write the Role, RoleBinding and Lease that a pattern needs there; without it they are only named, with the reason",
  },
  ONLY,
  FILES,
  { name: "--help", value: null, help: "print this" },
];

const UNINJECT_FLAGS: readonly Flag[] = [ONLY, FILES, { name: "--help", value: null, help: "print this" }];

export function injectManual(): string {
  return `outrigger inject: adds patterns to the pods of manifests, beside workloads that never change

Usage: outrigger inject --ambassador ROUTE [flags] [-f FILE]
       kubectl get deployment web -o yaml | outrigger inject --ambassador 8080=http://catalog:8080 | kubectl apply -f -

Reads Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob and Pod, and Lists of them; what else is in the
input passes through. Lines are added, and nothing else of the text changes: comments, order, quoting, line breaks stay.
What could not be added so (a mapping on one line, an anchor that others use) is refused with its place and the remedy.
The result goes to standard output, notes to standard error. Nothing is written unless all of it holds.

What to add comes from flags, for every pod of the input (or --only); or else from annotations of the pod template or
its object, routes with blanks between:
  outrigger.dev/ambassador: "8001=http://catalog:8001 6000=http://stock:6000"
  outrigger.dev/gate: "8080=http://127.0.0.1:3000"
  outrigger.dev/leader-elector: "election=web gate=0.0.0.0:8080=tcp://127.0.0.1:3000"
  outrigger.dev/work-queue: "backend=redis://redis:6379 concurrency=4"

Flags:
${flagLines(FLAGS)}

What is added to a pod:
  a container outrigger-PATTERN   first of initContainers with restartPolicy: Always (a native sidecar, Kubernetes 1.29:
                                  there before the workload, gone after it), with probes, resources, securityContext
                                  (uid 65532, nothing writable, no capability), ports: ambassador 14010 (probe), 14011;
                                  leader-elector 14030 (probe), 14031 and 4040, and the pod's name, uid and address;
                                  work-queue 14040 (probe), 14041 and 8080 (callers), before the one containerPort of
                                  the pod unless workload=URL is given; a Service must point to 8080, as to a gate
  hostAliases                     the names of a route that listens on its targets' port now mean 127.0.0.1, so that
                                  the workload's old URL reaches the ambassador, which looks past the hosts file
  preStop of the workload         with a gate: GET /drain on port 14010; the workload gets SIGTERM when the gate is
                                  drained. A Service must point to the gate's port: the line is named, never changed
  sysctl                          net.ipv4.ip_unprivileged_port_start=0 where a route listens below 1024; there kubectl's
                                  securityContext: {} has no room: sed 's/securityContext: {}$/securityContext:/' before
  volume                          with --config-map

Twice is once: what an earlier inject has added is taken out first, so that other flags are an update. What was added
is recorded in the added container's variable OUTRIGGER_INJECTED; outrigger uninject takes exactly that out again, also
of what a cluster gives back (kubectl get -o yaml).

Not promised: other names of a service (catalog.shop.svc) unless --alias names them; names that only a ConfigMap's
routes have; ports of an aliased name on which no route listens (they are refused); a workload that resolves names
past /etc/hosts; an https URL of the workload (the ambassador listens in clear).

Exit codes: 0 done; 1 the output could not be written; 2 the command line, a route or a manifest is wrong.
`;
}

export function uninjectManual(): string {
  return `outrigger uninject: takes out what outrigger inject has added, and nothing else

Usage: outrigger uninject [flags] [-f FILE]
       kubectl get deployment web -o yaml | outrigger uninject | kubectl apply -f -

Of inject's own output the original comes back byte for byte; of what a cluster gives back (kubectl get -o yaml),
where order and defaults have changed, the same fields go, by whole lines.

Flags:
${flagLines(UNINJECT_FLAGS)}

Exit codes: 0 done; 1 the output could not be written; 2 the command line or a manifest is wrong.
`;
}

export function parseUninject(words: readonly string[]): UninjectOptions {
  const { operands, values } = readWords(words, UNINJECT_FLAGS, "uninject");
  return { files: filesOf(operands, values), only: values.get("--only") ?? [] };
}

type Values = ReadonlyMap<string, readonly string[]>;

/** Files may stand without -f, too, as those of run do. */
function filesOf(operands: readonly string[], values: Values): string[] {
  const files = [...(values.get("--filename") ?? []), ...operands];
  return files.length === 0 ? ["-"] : files;
}

export function parseInject(words: readonly string[]): InjectOptions {
  const { operands, values } = readWords(words, FLAGS, "inject");
  const one = (name: string): string | null => values.get(name)?.[0] ?? null;
  const policy = one("--image-pull-policy");
  if (policy !== null && !PULL_POLICIES.includes(policy))
    throw usageError(`--image-pull-policy ${policy}: accepted are ${PULL_POLICIES.join(", ")}`);
  const aliases = values.get("--alias") ?? [];
  for (const name of aliases) {
    if (!isAliasName(name))
      throw usageError(`--alias ${name}: accepted is a host name of a-z, 0-9, - and ., not localhost`);
  }
  const token = one("--drain-token");
  if (token !== null && !/^[\x21-\x7e]{1,128}$/.test(token))
    throw usageError("--drain-token: accepted are 1 to 128 visible ASCII characters");
  return {
    files: filesOf(operands, values),
    only: values.get("--only") ?? [],
    routes: new Map(
      PATTERNS.flatMap((name) => {
        const routes = values.get(`--${name}`);
        return routes === undefined ? [] : [[name, routes] as const];
      }),
    ),
    gates: values.get("--gate") ?? [],
    aliases,
    configMaps: configMapsOf(values.get("--config-map") ?? []),
    classic: values.has("--classic"),
    imagePrefix: (one("--image-prefix") ?? IMAGE_PREFIX).replace(/\/+$/, ""),
    imageTag: one("--image-tag") ?? ownVersion(),
    imagePullPolicy: policy,
    rbac: one("--rbac"),
    container: one("--container"),
    drainToken: token,
    preStop: !values.has("--no-pre-stop"),
    sysctl: !values.has("--no-sysctl"),
    allowHostNetwork: values.has("--allow-host-network"),
  };
}

function configMapsOf(words: readonly string[]): Map<string, ConfigMapKey> {
  const found = new Map<string, ConfigMapKey>();
  for (const word of words) {
    const match = /^(?:([^=/]+)=)?([a-z0-9][a-z0-9.-]*)(?:\/([-._a-zA-Z0-9]+))?$/.exec(word);
    if (!match) {
      throw usageError(
        `--config-map ${word}: accepted is [PATTERN=]NAME[/KEY], for example --config-map web-routes/ambassador.yaml`,
      );
    }
    const pattern = match[1] ?? FIRST;
    if (!PATTERNS.includes(pattern)) {
      const near = closest(pattern, PATTERNS);
      throw usageError(
        `--config-map ${word}: there is no pattern ${pattern}${near ? `, did you mean ${near}?` : `; there are: ${PATTERNS.join(", ")}`}`,
      );
    }
    if (found.has(pattern)) throw usageError(`--config-map for ${pattern} is given twice`);
    found.set(pattern, { name: match[2] as string, key: match[3] ?? "config.yaml" });
  }
  return found;
}

/** Of the cli, which is released together with the images. */
export function ownVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
