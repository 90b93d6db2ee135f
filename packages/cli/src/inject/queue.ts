/** What a work queue gets of the pod around it: the workload's port or files, a port for its callers, a volume for embedded:DIR. */
import { formatHostPort, OutriggerError, parseHostPort } from "@outrigger/core";
import type { Path } from "../manifest/document.ts";
import { fields, list, type Workload } from "../manifest/workload.ts";
import { readRoutes, type AskedRoute } from "./asked.ts";
import type { Value } from "./emit.ts";
import { filesFolderOf, filesMount, type FilesTrouble } from "./queue-files.ts";
import { EMBEDDED_IMAGE, folderOf, folderTroubles, volumeNames } from "./queue-folder.ts";
import { isLoopback, type Route } from "./route.ts";

export interface QueuePlan {
  /** What its container is told. */
  readonly flags: readonly string[];
  /** Where callers come in; none: it does jobs alone. */
  readonly fronts: readonly Route[];
  readonly mounts: readonly Value[];
  /** null: the pattern's. */
  readonly image: string | null;
  readonly resources: Value | null;
  readonly notes: readonly string[];
}

export const QUEUE = "work-queue";
const DEFAULT_LISTEN = "8080";
/** A route must have a target, also where its callers' requests go into files: discard (RFC 863). */
const NO_PORT = 9;
/** Says which of the pod's volumes embedded:DIR is on; of inject, not of the queue. */
const VOLUME = "volume";
/** A Postgres in the process; its first start takes 600 MB more. */
const EMBEDDED_RESOURCES = { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } };

/** @param configured by a ConfigMap, which may say what the flags do not */
export function planQueue(
  asked: readonly AskedRoute[],
  configured: boolean,
  workload: Workload,
  problems: ReturnType<Workload["document"]["problem"]>[],
): QueuePlan {
  const given = new Map(asked.map(({ text }) => [text.split("=", 1)[0] as string, text]));
  const flag = (name: string): string | undefined => given.get(name)?.slice(name.length + 1);
  const flags = asked.map(({ text }) => text).filter((text) => !text.startsWith(`${VOLUME}=`));
  const report = (path: Path, message: string): void =>
    void problems.push(workload.document.problem(path, message));
  const at = asked.find(({ path }) => path !== null)?.path ?? null;

  const program = filesFolderOf(flag("workload"));
  let target = program === null ? portOf(flag("workload")) : null;
  if (flag("workload") === undefined && !configured) {
    const ports = workloadPorts(workload);
    target = ports.length === 1 ? (ports[0] as number) : null;
    if (target === null)
      report(
        [...workload.templatePath, "spec", "containers"],
        `${ports.length === 0 ? "none declares a containerPort" : `there are several containerPorts (${ports.join(", ")})`}: say which is the workload's with --${QUEUE} workload=http://127.0.0.1:PORT`,
      );
    else flags.push(`workload=http://127.0.0.1:${target}`);
  }
  const role = flag("role") ?? (configured ? null : "both");
  const listen = flag("listen") ?? (role === null ? undefined : DEFAULT_LISTEN);
  const fronts =
    listen === undefined || role === "worker" || (target === null && program === null)
      ? []
      : frontsOf(listen, target, at, workload, problems);

  const folder = folderOf(flag("backend"));
  const volume = flag(VOLUME);
  const mounts: Value[] =
    folder === null || volume === undefined ? [] : [{ name: volume, mountPath: folder }];
  const notes: string[] = [];
  if (program !== null && role !== "front") {
    const mount = filesMount(workload, program);
    if (isTrouble(mount)) report(mount.path, mount.message);
    else mounts.push(mount);
    for (const { listen: port } of fronts)
      notes.push(`callers come in on port ${port.port}: give them a Service with targetPort: ${port.port}`);
  }
  if (folder === null && volume !== undefined)
    report(workload.templatePath, `${VOLUME}=${volume} is for backend=embedded:DIR alone: take it out`);
  if (folder !== null) {
    const names = volumeNames(workload);
    if (volume !== undefined && !names.includes(volume))
      report(
        [...workload.templatePath, "spec"],
        `has no volume ${volume}, which --${QUEUE} ${VOLUME}= names; there are: ${names.join(", ") || "none"}`,
      );
    for (const { id, path, message } of folderTroubles(workload, folder, mounts)) {
      if (id === "queue-ends-with-pod") notes.push(message);
      else
        report(
          path,
          id === "queue-folder-unmounted"
            ? `embedded:${folder} must be on a volume: name one of the pod's with --${QUEUE} ${VOLUME}=NAME, and it is mounted there; there are: ${names.join(", ") || "none"}`
            : message,
        );
    }
  }
  const group = fields(fields(workload.template["spec"])["securityContext"])["fsGroup"];
  if (mounts.length > 0 && group === undefined)
    notes.push(
      "user 65532 must be able to write the queue's volume: securityContext.fsGroup: 65532 of the pod lets it",
    );
  return {
    flags,
    fronts,
    mounts,
    image: folder === null ? null : EMBEDDED_IMAGE,
    resources: folder === null ? null : EMBEDDED_RESOURCES,
    notes,
  };
}

function frontsOf(
  listen: string,
  /** null: the workload has none. */
  target: number | null,
  path: Path | null,
  workload: Workload,
  problems: Parameters<typeof readRoutes>[2],
): Route[] {
  const place = parseHostPort(listen);
  if (place === null) {
    // Its own program says so, too, but what is planned here must have a port.
    throw new OutriggerError("usage", `--${QUEUE} listen=${listen}: accepted is [HOST:]PORT`);
  }
  const gate = place.host === undefined || !isLoopback(place.host);
  const text = `${formatHostPort(place)}=http://127.0.0.1:${target ?? NO_PORT}`;
  const routes = readRoutes([{ text, gate, path }], workload, problems, `--${QUEUE}`);
  return target === null ? routes.map((route) => ({ ...route, text: listen, targets: [] })) : routes;
}

const isTrouble = (found: Value | FilesTrouble): found is FilesTrouble =>
  typeof found === "object" && found !== null && "message" in found;

const portOf = (url: string | undefined): number | null =>
  url !== undefined && URL.canParse(url) ? Number(new URL(url).port || 80) : null;

/** What the pod's containers declare, each once. */
function workloadPorts(workload: Workload): number[] {
  const ports = list(fields(workload.template["spec"])["containers"]).flatMap((container) =>
    list(fields(container)["ports"]).flatMap((each) => {
      const { containerPort, protocol } = fields(each);
      return typeof containerPort === "number" && (protocol ?? "TCP") === "TCP" ? [containerPort] : [];
    }),
  );
  return [...new Set(ports)];
}
