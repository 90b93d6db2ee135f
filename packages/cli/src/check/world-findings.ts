/** What a route needs of the world outside its container: a name that leads out of the pod, rights at the API server. */
import { fields, list, text, type Fields, type ManifestObject } from "../manifest/workload.ts";
import { at } from "./configuration-findings.ts";
import type { Finding } from "./finding.ts";
import { isLoopback, type CheckedPod } from "./pod.ts";
import { namespaceOf, type Stream } from "./stream.ts";
import { serviceNamespace } from "../manifest/service-name.ts";

interface Rule {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Of the one object; absent: of all. */
  readonly name?: string;
}

/** What discovery=kubernetes reads. */
const RULE: Rule = {
  apiGroup: "discovery.k8s.io",
  resource: "endpointslices",
  verbs: ["get", "list", "watch"],
};
const GROUPS = { leases: "coordination.k8s.io", endpointslices: "discovery.k8s.io" } as const;
const ruleText = ({ apiGroup, resource, verbs, name }: Rule): string =>
  `apiGroups: ["${apiGroup}"], resources: ["${resource}"],${name === undefined ? "" : ` resourceNames: ["${name}"],`} verbs: ["${verbs.join('", "')}"]`;

export const worldFindings: readonly Finding[] = [
  {
    id: "host-alias-loop",
    severity: "error",
    sentence: "A hostAlias gives a name to 127.0.0.1, and a route looks that name up in /etc/hosts.",
    why: "discovery=static asks the system, which reads /etc/hosts: the ambassador calls itself, or nobody, in the place of the service.",
    remedy:
      "Take discovery=static out: a name is then resolved by dns, past /etc/hosts. Or write an address.",
    *find(pod) {
      const aliases = list(pod.spec["hostAliases"]).flatMap((entry, index) =>
        isLoopback(text(fields(entry)["ip"]))
          ? list(fields(entry)["hostnames"]).map((name, place) => ({
              name,
              path: [...pod.specPath, "hostAliases", index, "hostnames", place],
            }))
          : [],
      );
      for (const { facts, name } of pod.patterns) {
        for (const route of facts.routes.filter(({ discovery }) => discovery === "static")) {
          for (const { host, port } of route.targets) {
            const alias = aliases.find((each) => sameName(String(each.name), host));
            const itself = port === route.listen.port;
            if (!alias || (route.role === "ingress" && !itself)) continue;
            const then = itself
              ? `${name} would call itself`
              : `${name} would call port ${port ?? "?"} of this pod`;
            yield at(
              pod,
              alias.path,
              `${String(alias.name)} is 127.0.0.1 here, and the route ${route.label} looks it up here (discovery=static): ${then}; take discovery=static out`,
            );
          }
        }
      }
    },
  },
  {
    id: "rights-missing",
    severity: "warning",
    sentence:
      "A route with discovery=kubernetes, and nothing in the input gives the pod's ServiceAccount the right to watch.",
    why: "The API server answers 403: the route has no endpoints.",
    remedy: `A Role with ${ruleText(RULE)} in the Services' namespace, and a RoleBinding to the pod's ServiceAccount; outrigger inject --rbac FILE writes both.`,
    *find(pod, stream) {
      for (const { path, facts, value } of pod.patterns) {
        const told = new Set<string>();
        for (const route of facts.routes.filter(({ discovery }) => discovery === "kubernetes")) {
          for (const { host } of route.targets) {
            const namespace = serviceNamespace(host) ?? pod.namespace;
            if (told.has(namespace) || isGranted(RULE, namespace, pod, stream)) continue;
            told.add(namespace);
            yield at(
              pod,
              value["args"] === undefined ? path : [...path, "args"],
              `the route ${route.label} needs rights in namespace ${namespace} that nothing here gives to the ServiceAccount ${accountOf(pod.spec)} of namespace ${pod.namespace}: a Role with ${ruleText(RULE)}, and a RoleBinding to it, both in namespace ${namespace} (not seen: what the cluster has already)`,
            );
          }
        }
      }
    },
  },
  {
    id: "lease-rights-missing",
    severity: "warning",
    sentence:
      "A leader-elector's lease, or the EndpointSlice that names the leader, stands in the cluster, and nothing in the input gives the pod's ServiceAccount rights on it.",
    why: "The API server answers 403: nobody ever leads, or the elector does not start.",
    remedy:
      "outrigger-leader-elector --election NAME --print-role prints the Role, the RoleBinding and the objects; outrigger inject --rbac FILE writes them, too.",
    *find(pod, stream) {
      for (const { path, facts, value } of pod.patterns) {
        for (const { resource, name, namespace } of facts.objects) {
          const where = namespace ?? pod.namespace;
          const rule: Rule = { apiGroup: GROUPS[resource], resource, verbs: ["get", "update"], name };
          if (isGranted(rule, where, pod, stream)) continue;
          yield at(
            pod,
            value["args"] === undefined ? path : [...path, "args"],
            `the leader-elector needs rights on ${resource} ${name} that nothing here gives to the ServiceAccount ${accountOf(pod.spec)} of namespace ${pod.namespace}: a Role with ${ruleText(rule)} in namespace ${where}, and a RoleBinding to it; --print-role prints both (not seen: what the cluster has already)`,
          );
        }
      }
    },
  },
];

/** DNS names know no case, and a dot at the end says only that they are whole. */
const sameName = (one: string, other: string): boolean =>
  one.toLowerCase().replace(/\.$/, "") === other.toLowerCase().replace(/\.$/, "");

const accountOf = (spec: Fields): string =>
  text(spec["serviceAccountName"]) ?? text(spec["serviceAccount"]) ?? "default";

/** @param namespace of what is asked for */
function isGranted(rule: Rule, namespace: string, pod: CheckedPod, stream: Stream): boolean {
  return stream.ofKind("RoleBinding", "ClusterRoleBinding").some((binding) => {
    const ofNamespace = binding.kind === "RoleBinding" ? namespaceOf(binding) : null;
    const bound = list(binding.value["subjects"])
      .map(fields)
      .some((subject) => isAccount(subject, pod, ofNamespace));
    const reference = fields(binding.value["roleRef"]);
    return (
      bound &&
      (ofNamespace === null || ofNamespace === namespace) &&
      stream
        .ofKind(text(reference["kind"]) ?? "Role")
        .some(
          (role) => role.name === reference["name"] && sameNamespace(role, ofNamespace) && allows(role, rule),
        )
    );
  });
}

function isAccount(subject: Fields, pod: CheckedPod, bindingNamespace: string | null): boolean {
  return (
    subject["kind"] === "ServiceAccount" &&
    subject["name"] === accountOf(pod.spec) &&
    (text(subject["namespace"]) ?? bindingNamespace) === pod.namespace
  );
}

const sameNamespace = (role: ManifestObject, namespace: string | null): boolean =>
  role.kind === "ClusterRole" || namespaceOf(role) === namespace;

function allows(role: ManifestObject, wanted: Rule): boolean {
  const rules = list(role.value["rules"]).map(fields);
  const has = (rule: Fields, key: string, value: string): boolean =>
    list(rule[key]).some((each) => each === value || each === "*");
  const isNamed = (rule: Fields): boolean =>
    rule["resourceNames"] === undefined ||
    (wanted.name !== undefined && list(rule["resourceNames"]).includes(wanted.name));
  // Several rules may give one verb each.
  return wanted.verbs.every((verb) =>
    rules.some(
      (rule) =>
        isNamed(rule) &&
        has(rule, "apiGroups", wanted.apiGroup) &&
        has(rule, "resources", wanted.resource) &&
        has(rule, "verbs", verb),
    ),
  );
}
