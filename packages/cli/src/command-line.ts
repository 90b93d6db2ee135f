/** The words of the command line: what each flag is, the manual made from that, and the parser. */
import { closest, parseDuration, type Milliseconds } from "@outrigger/core";
import type { CheckOptions } from "./check/check.ts";
import { checkManual, parseCheck } from "./check/command-line.ts";
import { flagLines, readWords, usageError, type Flag } from "./flag-words.ts";
import { injectManual, parseInject, parseUninject, uninjectManual } from "./inject/command-line.ts";
import type { InjectOptions, UninjectOptions } from "./inject/options.ts";
import type { RunOptions } from "./run-options.ts";

export type Invocation =
  | { readonly verb: "help"; readonly text: string }
  | { readonly verb: "version" }
  | { readonly verb: "run"; readonly options: RunOptions }
  | { readonly verb: "inject"; readonly options: InjectOptions }
  | { readonly verb: "uninject"; readonly options: UninjectOptions }
  | { readonly verb: "check"; readonly options: CheckOptions };

const FLAGS: readonly Flag[] = [
  {
    name: "--for",
    value: "DURATION",
    help: "end by itself after this time (10s, 2m) with a summary; exit code 0 only if no main container failed",
  },
  {
    name: "--view",
    value: "auto|screen|log",
    help: "screen: live one-screen view; log: lines; auto (default): screen on a terminal, log elsewhere",
  },
  {
    name: "--log",
    value: "pretty|json",
    help: "pretty (default): JSON log lines made readable; json: as the containers wrote them, but for terminal sequences",
  },
  {
    name: "--image",
    value: "NAME=DIR",
    repeated: true,
    help: 'run containers of image NAME in folder DIR; without a command in the manifest, what DIR/package.json starts (plain words of "start", or else node on "main"); may be repeated',
  },
  {
    name: "--volume",
    value: "NAME=DIR",
    repeated: true,
    help: "folder DIR stands for volume NAME (hostPath, persistentVolumeClaim, ...); may be repeated",
  },
  {
    name: "--restart-backoff",
    value: "DURATION",
    help: "base of the restart back-off, default 10s as the kubelet's; the cap (5m) and the reset (10m) scale with it",
  },
  {
    name: "--network",
    value: "auto|host|namespace",
    help: "host: every port is on this machine's localhost; namespace: a network namespace for each pod (Linux), in which hostAliases and Service names resolve and nothing outside the pod can be reached; auto (default): namespace for several pods that claim the same port, where the system allows it, else host. Pods in namespaces are shown as log lines",
  },
  {
    name: "--pod",
    value: "NAME",
    help: "start only this one of the manifests' pods; NAMESPACE/KIND/NAME where two have the name",
  },
  {
    name: "--check",
    value: null,
    help: "check the manifests, the machine (commands, ports) and what the pattern containers' own --check-config says of their arguments and environment, print what would start, and start nothing",
  },
  { name: "--help", value: null, help: "print this" },
];

const OVERVIEW = `outrigger: pod patterns beside workloads that never change

Usage: outrigger run FILE... [flags]         run a pod manifest on this machine
       outrigger inject [flags] [-f FILE]    add patterns to the pods of manifests: kubectl's YAML in, YAML out
       outrigger uninject [-f FILE]          take out what inject has added
       outrigger check [-f FILE]             find what is wrong with the patterns in manifests
       outrigger COMMAND --help              the manual of a command
       outrigger --version
`;

function runManual(): string {
  return `outrigger run: a real pod manifest on this machine, its containers as processes on localhost

Usage: outrigger run FILE... [flags]

FILE is YAML with Pod, Deployment or Job documents and the ConfigMap, Secret and Service documents they need, in
one file or several; - reads standard input. One pod is started for each Pod, Deployment and Job.

What starts: an image whose path ends in outrigger/PATTERN or outrigger-PATTERN (any registry, any tag) starts the
bin of @outrigger/PATTERN with the container's args and env. Any other image is not pulled: the container's command
runs here, on this machine's PATH, as you; or in the folder that --image gives. There is never a shell.

Flags:
${flagLines(FLAGS)}

In the order of the kubelet: init containers one after the other; native sidecars (init containers with
restartPolicy: Always) in order, each until its startupProbe succeeds; then the main containers. Probes run with
Kubernetes' timings. At the end (Ctrl-C, SIGTERM, SIGHUP, --for, or the main containers' own end) main containers
get their stop signal together, terminationGracePeriodSeconds later SIGKILL, then the sidecars in reverse order.

Volumes are folders that go with the run. An absolute path such as /app cannot exist here, so a mountPath at the
beginning of a word of command, args or exec probes, of workingDir, or of an env value (or right after its first =;
file: may stand before it) is pointed at the folder. ConfigMap and Secret volumes follow the manifest
file while it runs, as in a cluster. A path inside a program or a mounted file is not seen: such a workload needs its path
in an argument or variable.

Environment: a container has the manifest's variables, and PATH, HOME, USER, LOGNAME, LANG, LC_ALL, LC_CTYPE, TZ,
TMPDIR, SSL_CERT_FILE and SSL_CERT_DIR of the caller; nothing else.

Every field is honoured, listed once at start as unused here, or refused by its path: see FIELDS.md.

Promised: every process of the pod ends with the run, with what it started in its process group, also when the run
itself is killed (kill -9: within 2 s, by a watchdog process). Not promised: a grandchild that makes a session of
its own (setsid) escapes (its container ends without it, within a second); resource limits, users and read-only mounts are not enforced; UDP ports are not checked.

Exit codes: 0 ended well, or Ctrl-C and drained; 1 a main container failed, or the run could not start or could not
write its output (a full disk; it stops in order); 2 the command line or a manifest is wrong; 130 a second Ctrl-C:
everything was killed at once. An output that nobody reads any more (| head) counts as one Ctrl-C; with --for a failed
container is 1 all the same. The same signal twice within 250 ms counts once: npm and npx pass on what the process
group has had already.
`;
}

export function parseCommandLine(argv: readonly string[]): Invocation {
  const [verb, ...rest] = argv;
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    const manual = MANUALS.get(rest[0] ?? "");
    return { verb: "help", text: manual ? manual() : OVERVIEW };
  }
  if (verb === "--version") return { verb: "version" };
  const manual = MANUALS.get(verb);
  if (manual && rest.some((word) => word === "--help" || word === "-h"))
    return { verb: "help", text: manual() };
  if (verb === "run") return parseRun(rest);
  if (verb === "inject") return { verb, options: parseInject(rest) };
  if (verb === "uninject") return { verb, options: parseUninject(rest) };
  if (verb === "check") {
    const parsed = parseCheck(rest);
    return "explain" in parsed ? { verb: "help", text: parsed.explain } : { verb, options: parsed.options };
  }
  const near = closest(verb, [...MANUALS.keys(), "--help", "--version"]);
  throw usageError(
    `unknown command ${JSON.stringify(verb)}${near ? `, did you mean ${near}?` : "."} See outrigger --help`,
  );
}

const MANUALS: ReadonlyMap<string, () => string> = new Map([
  ["run", runManual],
  ["inject", injectManual],
  ["uninject", uninjectManual],
  ["check", checkManual],
]);

function parseRun(words: readonly string[]): Invocation {
  const { operands: files, values } = readWords(words, FLAGS, "run");
  const single = new Map([...values].map(([name, given]) => [name, given[0] as string]));
  if (files.length === 0)
    throw usageError("no manifest: outrigger run FILE..., for example outrigger run pod.yaml");
  return {
    verb: "run",
    options: {
      files,
      images: foldersOf(values, "--image"),
      volumes: foldersOf(values, "--volume"),
      for: durationOf(single, "--for") ?? null,
      view: choiceOf(single, "--view", ["auto", "screen", "log"]),
      log: choiceOf(single, "--log", ["pretty", "json"]),
      restartBackOff: durationOf(single, "--restart-backoff") ?? 10_000,
      network: choiceOf(single, "--network", ["auto", "host", "namespace"]),
      pod: single.get("--pod") ?? null,
      check: single.has("--check"),
    },
  };
}

function foldersOf(values: ReadonlyMap<string, readonly string[]>, flag: string): Map<string, string> {
  const folders = new Map<string, string>();
  for (const value of values.get(flag) ?? []) {
    const cut = value.indexOf("=");
    if (cut < 1 || cut === value.length - 1) {
      throw usageError(`${flag} ${value}: accepted is NAME=DIR, for example ${flag} shop=./shop`);
    }
    const key = value.slice(0, cut);
    if (folders.has(key))
      throw usageError(`${flag} ${key}=... is given twice: one folder stands for one name`);
    folders.set(key, value.slice(cut + 1));
  }
  return folders;
}

function durationOf(flags: ReadonlyMap<string, string>, name: string): Milliseconds | undefined {
  const text = flags.get(name);
  if (text === undefined) return undefined;
  let span: Milliseconds;
  try {
    span = parseDuration(text);
  } catch (error) {
    throw usageError(`${name}: ${(error as Error).message}`);
  }
  if (span <= 0) throw usageError(`${name} ${text}: accepted is a time above zero, for example ${name} 10s`);
  return span;
}

/** The first of the accepted values is the default. */
function choiceOf<Value extends string>(
  flags: ReadonlyMap<string, string>,
  name: string,
  accepted: readonly [Value, ...Value[]],
): Value {
  const text = flags.get(name);
  if (text === undefined) return accepted[0];
  const found = accepted.find((value) => value === text);
  if (found !== undefined) return found;
  throw usageError(`${name} ${text}: accepted are ${accepted.join(", ")}`);
}
