/**
 * What a pattern container does, told by its own program: --print-config with the container's arguments, environment and
 * mounted ConfigMap. Where it refuses, or cannot be asked, what its words say by themselves.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  parseDuration,
  parseHostPort,
  parseRouteLine,
  REDACTED,
  type HostPort,
  type Milliseconds,
} from "@outrigger/core";
import { parseYaml } from "@outrigger/core/yaml";
import { QUEUE } from "../inject/queue.ts";
import { filesFolderOf } from "../inject/queue-files.ts";
import { folderOf } from "../inject/queue-folder.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";
import { askedWith } from "../pod/config-check.ts";
import { childPath, patternCommand, type Pattern } from "../pod/image.ts";
import type { PatternWords } from "./pattern-words.ts";

export interface Target {
  readonly host: string;
  readonly port: number | null;
}

export interface Route {
  readonly listen: HostPort;
  /** egress, ingress; of a work queue's front: queue. */
  readonly role: string;
  readonly discovery: string;
  readonly targets: readonly Target[];
  /** As a message calls it. */
  readonly label: string;
}

/** An object of the cluster that a leader-elector reads and updates. */
export interface OwnObject {
  readonly resource: "leases" | "endpointslices";
  readonly name: string;
  /** null: the pod's. */
  readonly namespace: string | null;
}

export interface PatternFacts {
  readonly probe: HostPort;
  /** null: off, or a unix socket. */
  readonly control: HostPort | null;
  readonly routes: readonly Route[];
  readonly grace: Milliseconds;
  /** What /drain must be called with; null: not known. */
  readonly drainToken: string | null;
  readonly allowsHostNetwork: boolean;
  /** Of a work queue with embedded:FOLDER; null: it keeps no jobs itself. */
  readonly folder: string | null;
  /** Of a work queue's worker with files:FOLDER; null: its workload is asked over HTTP. */
  readonly files: string | null;
  /** Of a leader-elector: the leases that stand in the cluster, and the slices that name leaders. */
  readonly objects: readonly OwnObject[];
  /** What its program says against its configuration, a problem each; continuation lines are indented. */
  readonly refusals: readonly (readonly string[])[];
  /** Why its program could not be asked. */
  readonly unasked: string | null;
}

export type AskPattern = (pattern: Pattern, words: PatternWords) => Promise<PatternFacts>;

const PATIENCE: Milliseconds = 15_000;
const DEFAULT_GRACE: Milliseconds = 25_000;

export async function factsOf(pattern: Pattern, words: PatternWords): Promise<PatternFacts> {
  const command = patternCommand(pattern, childPath(process.env));
  if (!command)
    return spoken(pattern, words, [], `outrigger-${pattern.name} is not installed beside the cli`);
  if (words.unknown !== null) return spoken(pattern, words, [], words.unknown);
  const folder = mkdtempSync(join(tmpdir(), "outrigger-check-"));
  try {
    const { args, environment, config } = words;
    // The program reads the file where it is written for it, and names it as the container would.
    const file = join(folder, "config.yaml");
    if (config !== null) writeFileSync(file, config.text);
    const place = (word: string): string => (config === null ? word : word.replace(config.path, file));
    const env = Object.fromEntries([...environment].map(([name, value]) => [name, place(value)]));
    const answer = await ask([...command, "--print-config", ...args.map(place)], {
      ...askedWith(env),
      PATH: childPath(process.env),
    });
    if (answer.code === 0) return printed(pattern, words, answer.stdout);
    if (answer.code !== 2)
      return spoken(pattern, words, [], `its --print-config gave no answer (${answer.code})`);
    const said = config === null ? answer.stderr : answer.stderr.replaceAll(file, config.path);
    return spoken(pattern, words, problemsIn(said), null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ask(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | string; readonly stdout: string; readonly stderr: string }> {
  const [file, ...args] = argv;
  return new Promise((resolve) => {
    execFile(
      file as string,
      args,
      { cwd: tmpdir(), env, timeout: PATIENCE, killSignal: "SIGKILL", shell: false },
      (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal ?? "") : 0, stdout, stderr }),
    );
  });
}

/** `outrigger-NAME: 2 problems in the configuration:` and then the problems, or one problem after its name. */
function problemsIn(stderr: string): string[][] {
  const lines = stderr.trimEnd().split("\n");
  if (/^outrigger-[\w-]+: \d+ problems? in the configuration:$/.test(lines[0] ?? "")) lines.shift();
  const problems: string[][] = [];
  for (const line of lines) {
    if (/^\s/.test(line) && problems.length > 0) problems.at(-1)?.push(line);
    else problems.push([line.replace(/^outrigger-[\w-]+: /, "")]);
  }
  return problems;
}

function printed(pattern: Pattern, words: PatternWords, yaml: string): PatternFacts {
  const config = fields(parseYaml(yaml));
  const grace = text(config["grace"]);
  const token = text(config["drainToken"]);
  return {
    probe: hostPort(config["probe"]) ?? { port: pattern.probePort },
    control: hostPort(config["control"]),
    routes: [...list(config["routes"]).flatMap(routeOf), ...queueRoute(pattern, config)],
    grace: grace === undefined ? DEFAULT_GRACE : parseDuration(grace),
    drainToken: token === undefined || token === REDACTED ? words.drainToken : token,
    allowsHostNetwork: config["allowHostNetwork"] === true,
    folder: folderOf(text(config["backend"])),
    files: config["role"] === "front" ? null : filesFolderOf(text(config["workload"])),
    objects: [config, ...list(config["elections"]).map(fields)].flatMap(objectsOf),
    refusals: [],
    unasked: null,
  };
}

/** What the words say, where nobody completes them with defaults. */
function spoken(
  pattern: Pattern,
  words: PatternWords,
  refusals: PatternFacts["refusals"],
  unasked: string | null,
): PatternFacts {
  const ofFile = (() => {
    try {
      return list(fields(parseYaml(words.config?.text ?? ""))["routes"]);
    } catch {
      // The program has said so, or will.
      return [];
    }
  })();
  const ofWords = words.routes.flatMap((line) => {
    try {
      return [parseRouteLine(line)];
    } catch {
      return [];
    }
  });
  return {
    probe: hostPort(words.flag("probe")) ?? { port: pattern.probePort },
    control: words.flag("control") === null ? { port: pattern.controlPort } : hostPort(words.flag("control")),
    routes: [
      ...(ofWords.length > 0 ? ofWords : ofFile).flatMap(routeOf),
      ...queueRoute(pattern, {
        role: words.flag("role"),
        listen: words.flag("listen") ?? 8080,
        workload: words.flag("workload") ?? "http://127.0.0.1:3000",
      }),
    ],
    grace: DEFAULT_GRACE,
    drainToken: words.drainToken,
    allowsHostNetwork: words.flag("allow-host-network") !== null,
    folder: pattern.name === QUEUE ? folderOf(words.flag("backend")) : null,
    files:
      pattern.name === QUEUE && words.flag("role") !== "front" ? filesFolderOf(words.flag("workload")) : null,
    objects: objectsOf({
      election: words.flag("election"),
      store: words.flag("store"),
      namespace: words.flag("namespace"),
      service: words.flag("service"),
      slice: words.flag("slice"),
    }),
    refusals,
    unasked,
  };
}

function objectsOf(election: Fields): OwnObject[] {
  const name = text(election["election"]);
  const service = text(election["service"]);
  const namespace = text(election["namespace"]) ?? null;
  const inCluster = /^(auto|kubernetes)$/.test(text(election["store"]) ?? "auto");
  return [
    ...(name !== undefined && inCluster ? [{ resource: "leases" as const, name, namespace }] : []),
    ...(name !== undefined && service !== undefined
      ? [
          {
            resource: "endpointslices" as const,
            name: text(election["slice"]) ?? `${service}-leader`,
            namespace,
          },
        ]
      : []),
  ];
}

function hostPort(written: unknown): HostPort | null {
  if (typeof written === "number") return { port: written };
  return typeof written === "string" ? (parseHostPort(written) ?? null) : null;
}

function routeOf(written: unknown): Route[] {
  const route = fields(written);
  const listen = hostPort(route["listen"]);
  if (listen === null) return [];
  const targets = list(route["endpoints"]).map((each) => targetOf(String(each)));
  const named = targets.some(({ host }) => host !== "localhost" && !/^[\d.]+$|:/.test(host));
  const where = list(route["endpoints"]).join(",");
  return [
    {
      listen,
      role: text(route["role"]) ?? "egress",
      discovery: text(route["discovery"]) ?? (named ? "dns" : "static"),
      targets,
      label: `${String(route["listen"])}=${text(route["protocol"]) ?? ""}://${where}`,
    },
  ];
}

/** The way of a work queue's callers: in at its front, and later out to the workload. */
function queueRoute({ name }: Pattern, config: Fields): Route[] {
  const listen = hostPort(config["listen"]);
  const workload = text(config["workload"]) ?? "";
  if (name !== QUEUE || listen === null || config["role"] === "worker" || !URL.canParse(workload)) return [];
  const { hostname, port, protocol } = new URL(workload);
  return [
    {
      listen,
      role: "queue",
      discovery: "static",
      // A program that reads files has no port.
      targets: protocol === "http:" ? [{ host: hostname, port: Number(port || 80) }] : [],
      label: `${String(config["listen"])}=${workload}`,
    },
  ];
}

function targetOf(endpoint: string): Target {
  const match = /^(?:\[([^\]]*)\]|([^:*]*))(?::([^*]*))?(?:\*\d+)?$/.exec(endpoint);
  const port = match?.[3];
  return {
    host: match?.[1] ?? match?.[2] ?? endpoint,
    // A name with discovery=kubernetes.
    port: port !== undefined && /^\d+$/.test(port) ? Number(port) : null,
  };
}
