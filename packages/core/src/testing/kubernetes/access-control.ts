/** Who may do what: bearer tokens, and RBAC's Roles with resourceNames. */
import { forbidden, unauthorized, type Kind } from "./refusal.ts";

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Of these objects only; `create` has no name to look at, `list` and `watch` have that of fieldSelector metadata.name. */
  readonly resourceNames?: readonly string[];
}

export interface User {
  readonly name: string;
  /** Of Roles in that namespace. Default: everything. */
  readonly rules?: readonly Rule[];
  readonly namespace?: string;
}

export interface Attributes {
  readonly kind: Kind;
  readonly verb: string;
  readonly namespace: string;
  /** Empty: none. */
  readonly name: string;
}

/** @throws Refusal 401 */
export function authenticate(users: ReadonlyMap<string, User>, authorization: string | undefined): User {
  const [, token] = /^Bearer (.+)$/i.exec(authorization ?? "") ?? [];
  const user = token === undefined ? undefined : users.get(token);
  if (user === undefined) throw unauthorized();
  return user;
}

/** @throws Refusal 403 */
export function authorize(user: User, { kind, verb, namespace, name }: Attributes): void {
  const { rules, namespace: granted = namespace } = user;
  if (rules === undefined) return;
  const has = (list: readonly string[], wanted: string): boolean =>
    list.includes("*") || list.includes(wanted);
  const allowed = rules.some(
    ({ apiGroups, resources, verbs, resourceNames = [] }) =>
      has(apiGroups, kind.group) &&
      has(resources, kind.plural) &&
      has(verbs, verb) &&
      (resourceNames.length === 0 || resourceNames.includes(name)),
  );
  if (!allowed || granted !== namespace) throw forbidden(kind, user.name, verb, namespace, name);
}
