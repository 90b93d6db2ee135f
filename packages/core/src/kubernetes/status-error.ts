/** What an API server's refusal is called here, and the sentence that says what to do about it. */
import { OutriggerError } from "../errors.ts";
import { statusSchema, type KubernetesObject, type Resource, type Status } from "./objects.ts";

/** What was asked for. */
export interface Target {
  readonly verb: "get" | "create" | "update" | "patch" | "list" | "watch";
  readonly resource: Resource<KubernetesObject>;
  readonly namespace: string;
  /** null: all of the namespace, or one without a name. */
  readonly name: string | null;
}

/** Stable: 5xx and what has no answer at all is `kubernetes-unavailable`, everything else `kubernetes-unexpected`. */
const CODES: Readonly<Record<number, string>> = {
  400: "kubernetes-invalid",
  401: "kubernetes-unauthorized",
  403: "kubernetes-forbidden",
  404: "kubernetes-not-found",
  409: "kubernetes-conflict",
  410: "kubernetes-gone",
  413: "kubernetes-invalid",
  422: "kubernetes-invalid",
  429: "kubernetes-too-many-requests",
};

/** `update leases.coordination.k8s.io default/ticker` */
export function describeTarget({ verb, resource, namespace, name }: Target): string {
  return `${verb} ${resource.plural}.${resource.group} ${namespace}/${name ?? "*"}`;
}

/** The Status in an answer; null: it is something else, perhaps of a proxy. */
export function readStatus(body: unknown): Status | null {
  const parsed = statusSchema.safeParse(body);
  return parsed.success ? parsed.data : null;
}

/**
 * @param text what came instead of a Status, if none did
 * @param source where the credentials are from
 */
export function statusError(
  target: Target,
  code: number,
  status: Status | null,
  text: string,
  source: string,
): OutriggerError {
  const said = status?.message || text.slice(0, 200).trim() || "no more was said";
  const known = CODES[code] ?? (code >= 500 ? "kubernetes-unavailable" : "kubernetes-unexpected");
  const kind =
    known === "kubernetes-conflict" && status?.reason === "AlreadyExists"
      ? "kubernetes-already-exists"
      : known;
  return new OutriggerError(
    kind,
    `${describeTarget(target)}: ${code}${status?.reason ? ` ${status.reason}` : ""}: ${said}${remedy(kind, target, source)}`,
  );
}

function remedy(code: string, { verb, resource, namespace, name }: Target, source: string): string {
  if (code === "kubernetes-unauthorized") return `; the credentials are those of ${source}`;
  if (code !== "kubernetes-forbidden") return "";
  const only = verb === "create" || name === null ? "" : `, resourceNames [${name}]`;
  return `; a Role in namespace ${namespace} must grant it: apiGroups [${resource.group}], resources [${resource.plural}], verbs [${verb}]${only}`;
}
