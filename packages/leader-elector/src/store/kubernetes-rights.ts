/**
 * What a candidate needs in a cluster, as YAML for kubectl: a Role on the one Lease, its binding, and the Lease itself, empty.
 * `create` cannot be limited to a name (the API server does not know it when it asks for the right), so it is granted only on
 * request, for all of the namespace; what is created beforehand needs it not. Neither object says what electors write, so that
 * it may be applied again while one leads.
 */
import { OutriggerError } from "@outrigger/core";

export interface KubernetesRights {
  readonly election: string;
  /** Its lease stands in the cluster. Default true; false: elsewhere, and only the slice is here. */
  readonly lease?: boolean;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Grants `create`, instead of creating the objects beforehand. Default false. */
  readonly create?: boolean;
  /** The leader's EndpointSlice, where there is one. */
  readonly slice?: {
    readonly name: string;
    readonly service: string;
    /** Of the pods' addresses. */
    readonly addressType: "IPv4" | "IPv6";
  };
}

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** @throws OutriggerError `bad-name` */
export function rightsManifest(rights: KubernetesRights): string {
  const { election, lease = true, namespace, serviceAccount, create = false, slice } = rights;
  const names = [election, namespace, serviceAccount, ...(slice ? [slice.name, slice.service] : [])];
  for (const name of names)
    if (!NAME.test(name) || name.length > 253)
      throw new OutriggerError(
        "bad-name",
        `${JSON.stringify(name)} is no name of an object: small letters, digits, '-' and '.', a letter or digit at both ends`,
      );
  // Quoted: 1e3 and true are names, too.
  const quote = (...list: readonly string[]): string => list.map((name) => JSON.stringify(name)).join(", ");
  const role = quote(`outrigger-leader-elector-${election}`);
  const meta = (name: string): string => `metadata:\n  name: ${name}\n  namespace: ${quote(namespace)}\n`;
  const rule = (group: string, resource: string, only: readonly string[], verbs: string): string =>
    `  - apiGroups: [${group}]\n    resources: [${resource}]\n${only.length > 0 ? `    resourceNames: [${quote(...only)}]\n` : ""}    verbs: [${verbs}]\n`;
  const rules = [
    lease ? rule("coordination.k8s.io", "leases", [election], "get, update") : "",
    slice ? rule("discovery.k8s.io", "endpointslices", [slice.name], "get, update") : "",
  ];
  if (create) {
    rules.push(
      "  # create cannot be limited to a name\n",
      lease ? rule("coordination.k8s.io", "leases", [], "create") : "",
      slice ? rule("discovery.k8s.io", "endpointslices", [], "create") : "",
    );
  }
  const documents = [
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n${meta(role)}rules:\n${rules.join("")}`,
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n${meta(role)}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: ${role}\nsubjects:\n  - kind: ServiceAccount\n    name: ${quote(serviceAccount)}\n    namespace: ${quote(namespace)}\n`,
  ];
  if (!create) {
    if (lease) documents.push(`apiVersion: coordination.k8s.io/v1\nkind: Lease\n${meta(quote(election))}`);
    if (slice)
      documents.push(
        `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n${meta(quote(slice.name))}  labels:\n    kubernetes.io/service-name: ${quote(slice.service)}\n    endpointslice.kubernetes.io/managed-by: outrigger-leader-elector\naddressType: ${slice.addressType}\n`,
      );
  }
  return documents.map((text) => `---\n${text}`).join("");
}
