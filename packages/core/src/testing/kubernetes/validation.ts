/**
 * What kube-apiserver refuses of a Lease and an EndpointSlice, in its words: decoding (400), then validation (422). After
 * pkg/apis/{coordination,discovery}/validation and apimachinery's MicroTime. Only what these two kinds' users can get wrong.
 */
import { isIPv4, isIPv6 } from "node:net";
import { invalid, undecodable, type Kind } from "./refusal.ts";
import type { Stored } from "./stored.ts";

type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/** @throws Refusal 400: the JSON is of another shape than the kind's Go type */
export function decode(kind: Kind, object: Stored): void {
  const wrongType = (field: string, found: unknown, type: string): never => {
    const of = Array.isArray(found) ? "array" : typeof found;
    throw undecodable(kind, `json: cannot unmarshal ${of} into Go struct field ${field} of type ${type}`);
  };
  for (const key of ["labels", "annotations"] as const)
    for (const value of Object.values(object.metadata[key] ?? {}))
      if (typeof value !== "string") wrongType(`ObjectMeta.metadata.${key}`, value, "string");
  if (kind.kind === "Lease") {
    const spec = (object["spec"] ?? {}) as Fields;
    for (const key of ["leaseDurationSeconds", "leaseTransitions"])
      if (spec[key] != null && !Number.isInteger(spec[key]))
        wrongType(`LeaseSpec.spec.${key}`, spec[key], "int32");
    if (spec["holderIdentity"] != null && typeof spec["holderIdentity"] !== "string")
      wrongType("LeaseSpec.spec.holderIdentity", spec["holderIdentity"], "string");
    for (const key of ["acquireTime", "renewTime"]) {
      const time = spec[key];
      if (
        time == null ||
        (typeof time === "string" && MICRO_TIME.test(time) && !Number.isNaN(Date.parse(time)))
      )
        continue;
      throw undecodable(
        kind,
        `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`,
      );
    }
  } else {
    for (const endpoint of (object["endpoints"] ?? []) as readonly Fields[])
      for (const [key, value] of Object.entries((endpoint["conditions"] ?? {}) as Fields))
        if (value !== null && typeof value !== "boolean")
          wrongType(`EndpointConditions.endpoints.conditions.${key}`, value, "bool");
    for (const { port } of (object["ports"] ?? []) as readonly Fields[])
      if (port != null && !Number.isInteger(port)) wrongType("EndpointPort.ports.port", port, "int32");
  }
}

/** @throws Refusal 422 with every fault */
export function validate(kind: Kind, object: Stored, old: Stored | null): void {
  const { name, labels } = object.metadata;
  const wrong: string[] = [];
  if (!NAME.test(name) || name.length > 253)
    wrong.push(`metadata.name: Invalid value: ${JSON.stringify(name)}: ${NAME_RULE}`);
  for (const value of Object.values(labels ?? {}))
    if (value.length > 63 || !LABEL_VALUE.test(value))
      wrong.push(
        `metadata.labels: Invalid value: ${JSON.stringify(value)}: ${value.length > 63 ? "must be no more than 63 bytes" : LABEL_RULE}`,
      );
  if (kind.kind === "Lease") validateLease((object["spec"] ?? {}) as Fields, wrong);
  else validateSlice(object, old, wrong);
  if (wrong.length > 0) throw invalid(`${kind.kind}.${kind.group}`, name, wrong);
}

function validateLease(spec: Fields, wrong: string[]): void {
  const { leaseDurationSeconds, leaseTransitions } = spec as Record<string, number | null | undefined>;
  if (leaseDurationSeconds != null && leaseDurationSeconds <= 0)
    wrong.push(`spec.leaseDurationSeconds: Invalid value: ${leaseDurationSeconds}: must be greater than 0`);
  if (leaseTransitions != null && leaseTransitions < 0)
    wrong.push(
      `spec.leaseTransitions: Invalid value: ${leaseTransitions}: must be greater than or equal to 0`,
    );
}

function validateSlice(slice: Stored, old: Stored | null, wrong: string[]): void {
  const type = slice["addressType"] as string | undefined;
  if (!type) wrong.push("addressType: Required value");
  else if (!["FQDN", "IPv4", "IPv6"].includes(type))
    wrong.push(
      `addressType: Unsupported value: ${JSON.stringify(type)}: supported values: "FQDN", "IPv4", "IPv6"`,
    );
  if (old !== null && old["addressType"] !== type)
    wrong.push(`addressType: Invalid value: ${JSON.stringify(type)}: field is immutable`);
  const endpoints = (slice["endpoints"] ?? []) as readonly Fields[];
  if (endpoints.length > 1000)
    wrong.push(`endpoints: Too many: ${endpoints.length}: must have at most 1000 items`);
  else
    endpoints.forEach((endpoint, index) => {
      const at = `endpoints[${index}].addresses`;
      const addresses = (endpoint["addresses"] ?? []) as readonly string[];
      if (addresses.length === 0) wrong.push(`${at}: Required value: must contain at least 1 address`);
      if (addresses.length > 100)
        wrong.push(`${at}: Too many: ${addresses.length}: must have at most 100 items`);
      addresses.forEach((address, place) => {
        const why = addressFault(address, type);
        if (why !== null) wrong.push(`${at}[${place}]: Invalid value: ${JSON.stringify(address)}: ${why}`);
      });
    });
  validatePorts((slice["ports"] ?? []) as readonly Fields[], wrong);
}

function addressFault(address: string, type: string | undefined): string | null {
  if (type === "IPv4" && !isIPv4(address)) return "must be a valid IPv4 address";
  if (type === "IPv6" && !isIPv6(address)) return "must be a valid IPv6 address";
  if (type !== "IPv4" && type !== "IPv6") return null;
  const small = address.toLowerCase();
  if (small === "0.0.0.0" || small === "::") return "may not be unspecified (0.0.0.0 or ::)";
  if (small.startsWith("127.") || small === "::1")
    return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
  if (small.startsWith("169.254.") || /^fe[89ab]/.test(small))
    return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
  if (small.startsWith("224.0.0.") || small.startsWith("ff02:"))
    return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
  return null;
}

function validatePorts(ports: readonly Fields[], wrong: string[]): void {
  if (ports.length > 100) wrong.push(`ports: Too many: ${ports.length}: must have at most 100 items`);
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const name = (port["name"] ?? "") as string;
    if (name !== "" && (name.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)))
      wrong.push(`ports[${index}].name: Invalid value: ${JSON.stringify(name)}: a lowercase RFC 1123 label`);
    if (names.has(name)) wrong.push(`ports[${index}].name: Duplicate value: ${JSON.stringify(name)}`);
    names.add(name);
    const protocol = port["protocol"] ?? "TCP";
    if (!["SCTP", "TCP", "UDP"].includes(protocol as string))
      wrong.push(
        `ports[${index}].protocol: Unsupported value: ${JSON.stringify(protocol)}: supported values: "SCTP", "TCP", "UDP"`,
      );
  });
}
