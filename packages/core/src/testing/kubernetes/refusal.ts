/** A refusal with kube-apiserver's own words (apimachinery/pkg/api/errors). */

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly retryAfter: number | null;

  constructor(code: number, reason: string, message: string, retryAfter: number | null = null) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** meta/v1 Status */
  get status(): object {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      ...(this.reason === "" ? {} : { reason: this.reason }),
      ...(this.retryAfter === null ? {} : { details: { retryAfterSeconds: this.retryAfter } }),
      code: this.code,
    };
  }
}

const resource = ({ plural, group }: Kind): string => `${plural}.${group}`;

export const notFound = (kind: Kind, name: string): Refusal =>
  new Refusal(404, "NotFound", `${resource(kind)} "${name}" not found`);

export const alreadyExists = (kind: Kind, name: string): Refusal =>
  new Refusal(409, "AlreadyExists", `${resource(kind)} "${name}" already exists`);

export const conflict = (
  kind: Kind,
  name: string,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): Refusal =>
  new Refusal(409, "Conflict", `Operation cannot be fulfilled on ${resource(kind)} "${name}": ${why}`);

export const badRequest = (message: string): Refusal => new Refusal(400, "BadRequest", message);

export const undecodable = ({ kind, version }: Kind, why: string): Refusal =>
  badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);

export const invalid = (of: string, name: string, wrong: readonly string[]): Refusal =>
  new Refusal(
    422,
    "Invalid",
    `${of} "${name}" is invalid: ${wrong.length === 1 ? wrong[0] : `[${wrong.join(", ")}]`}`,
  );

export const expired = (message: string): Refusal => new Refusal(410, "Expired", message);

export const unauthorized = (): Refusal => new Refusal(401, "Unauthorized", "Unauthorized");

export function forbidden(kind: Kind, user: string, verb: string, namespace: string, name: string): Refusal {
  const what = name === "" ? resource(kind) : `${resource(kind)} "${name}"`;
  return new Refusal(
    403,
    "Forbidden",
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${kind.plural}" in API group "${kind.group}" in the namespace "${namespace}"`,
  );
}
