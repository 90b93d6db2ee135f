/** The rights that routes need of the API server: said with their reason, and written only where a file is asked for. */
import { itemLines, mappingLines, type Style, type Value } from "./emit.ts";
import type { Injectable, Right } from "./pattern-table.ts";
import type { Route } from "./route.ts";
import { fields, text, type Workload } from "../manifest/workload.ts";
import { serviceNamespace } from "../manifest/service-name.ts";

export interface Grant {
  /** Of what may be read there. */
  readonly namespace: string;
  /** Of the pod and its service account. */
  readonly home: string;
  readonly serviceAccount: string;
  readonly pattern: string;
  readonly right: Right;
}

/** @returns one for each right and namespace, however many routes need it there */
export function grantsFor(workload: Workload, injectable: Injectable, routes: readonly Route[]): Grant[] {
  const spec = fields(workload.template["spec"]);
  const home = workload.namespace ?? "default";
  const serviceAccount = text(spec["serviceAccountName"]) ?? text(spec["serviceAccount"]) ?? "default";
  return injectable.rights.flatMap((right) => {
    const needing = routes.filter(({ line }) => line[right.option] === right.value);
    const namespaces = needing.flatMap(({ targets }) =>
      targets.map(({ host }) => serviceNamespace(host) ?? home),
    );
    const pattern = injectable.pattern.name;
    return [...new Set(namespaces)].map((namespace) => ({ namespace, home, serviceAccount, pattern, right }));
  });
}

export function grantNote({ namespace, home, serviceAccount, pattern, right }: Grant): string {
  const { apiGroups, resources, verbs } = right.rule;
  const there = namespace === home ? "" : ` in namespace ${namespace}`;
  return `outrigger-${pattern} needs ${verbs.join(", ")} of ${resources.join(", ")} (${apiGroups.join(", ")})${there} for service account ${serviceAccount}, because of ${right.option}=${right.value}: ${right.reason}; --rbac FILE writes the Role and RoleBinding`;
}

const STYLE: Style = { step: 2, list: 2, dash: 2 };

/** YAML of a Role and RoleBinding for each service account and pattern. */
export function rbacManifest(grants: readonly Grant[]): string {
  const groups = new Map<string, Grant[]>();
  for (const grant of grants) {
    const key = JSON.stringify([grant.namespace, grant.home, grant.serviceAccount, grant.pattern]);
    const group = groups.get(key) ?? [];
    if (!group.some(({ right }) => right === grant.right)) group.push(grant);
    groups.set(key, group);
  }
  const documents = [...groups.values()].flatMap((group) => {
    const { namespace, home, serviceAccount, pattern } = group[0] as Grant;
    // In another namespace two of that name may meet.
    const account = namespace === home ? serviceAccount : `${home}-${serviceAccount}`;
    const name = `outrigger-${pattern}-${account}`;
    const metadata: Value = { name, namespace };
    const role = mappingLines(
      { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata },
      0,
      STYLE,
    );
    const rules = group.flatMap(({ right }) => [
      `  # ${right.option}=${right.value}: ${right.reason}`,
      ...itemLines([{ ...right.rule }], 2, STYLE),
    ]);
    const subject: Value = { kind: "ServiceAccount", name: serviceAccount, namespace: home };
    const binding = mappingLines(
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subjects: [subject],
      },
      0,
      STYLE,
    );
    return [[...role, "rules:", ...rules], binding];
  });
  return documents.map((lines) => `---\n${lines.join("\n")}\n`).join("");
}
