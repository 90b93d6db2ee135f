/**
 * The one-line route grammar, the same in every pattern, in flags and environment alike:
 *
 *     [BIND:]PORT=PROTOCOL://TARGET[*weight][,TARGET...][?option=value&...]
 *
 * TARGET is HOST[:PORT]; IPv6 stands in brackets; no TARGET at all only before a `?` (discovery=file needs none).
 * A dotted option becomes nested objects. Values are percent-decoded, so that `&` (%26), `%` (%25) and blanks (%20)
 * can be in them. Pure: text in, plain object out, of the shape that the YAML has; values stay text, the schema's
 * blocks coerce them. Secrets are refused: a pod spec is no place for them.
 */
import { OutriggerError } from "../errors.ts";
import { parseHostPort } from "./schema-blocks.ts";

/** A value of a route: text, or the object that dotted option names make. */
export type RouteValue = string | { [name: string]: RouteValue };

export interface RouteLine {
  /** `8001` or `127.0.0.1:8001` or `[::1]:8001` */
  listen: string;
  protocol: string;
  /** `host:port`, `host`, each perhaps with `*weight`. */
  endpoints: string[];
  [option: string]: RouteValue | string[];
}

/** Where in the text each part came from, for errors found later by the schema. Keys are paths joined by dots. */
export type RouteColumns = ReadonlyMap<string, number>;

/** Code `bad-route`, or `route-secret`; the message shows the line (secrets masked) with a caret under the column. */
export class RouteLineError extends OutriggerError {
  /** From 1. */
  readonly column: number;
  readonly problem: string;

  constructor(code: "bad-route" | "route-secret", text: string, column: number, problem: string) {
    super(code, `${problem}\n${pointAt(text, column)}`);
    this.column = column;
    this.problem = problem;
  }
}

const PROTOCOL = /^[a-z][a-z0-9+.-]*$/;
const TARGET =
  /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?))(?::([A-Za-z0-9-]{1,63}))?$/;
const WEIGHT = /^\d{1,6}$/;
const OPTION = /^[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*$/;
/** A key that would hold a secret itself; `passwordFile` only names where one is. */
const SECRET_KEY =
  /(?:passw(?:or)?d|pwd|passphrase|secret|token|auth|authorization|bearer|api[-_]?key|private[-_]?key|credentials?)s?$/i;
const OWN_KEYS: ReadonlySet<string> = new Set(["listen", "protocol", "endpoints"]);
const LONGEST = 8192;

/** Everything before the last `@` that may be a password, also where the line is no route and `?` stands in it. */
const USERINFO = /^((?:[^=@]*=)?(?:[a-z][a-z0-9+.-]*:\/\/)?)(.*)(?=@)/is;

/** Would a key of this name hold a secret, going by its name? */
export function looksSecret(key: string): boolean {
  return SECRET_KEY.test(key);
}

/**
 * The text with what may be a secret replaced by stars of the same length, so that columns stay right.
 * @param hidden options whose value is hidden, too, whatever their name says
 */
export function maskSecrets(text: string, hidden: (key: string) => boolean = () => false): string {
  const stars = (covered: string): string => "*".repeat(covered.length);
  // A value may be a path with a query of its own: health=http:/up?token=x.
  const maskOptions = (options: string): string =>
    options.replace(/([?&;])([^=&?;]*)=([^&]*)/g, (_, mark: string, key: string, value: string) =>
      looksSecret(key) || hidden(key)
        ? `${mark}${key}=${stars(value)}`
        : `${mark}${key}=${maskOptions(value)}`,
    );
  return maskOptions(
    text.replace(USERINFO, (_, before: string, userinfo: string) => before + stars(userinfo)),
  );
}

/** The line and a caret under the column; a long line is shown around the column. */
export function pointAt(text: string, column: number, hidden?: (key: string) => boolean): string {
  // Control bytes would let a route's text draw on the terminal, or break the caret's line.
  const shown = maskSecrets(text, hidden).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  const start = column > 90 ? column - 60 : 0;
  const part = shown.slice(start, start + 110);
  const before = start > 0 ? "..." : "";
  const after = shown.length > start + 110 ? "..." : "";
  return `  ${before}${part}${after}\n  ${" ".repeat(before.length + column - 1 - start)}^`;
}

/**
 * Reads one route.
 * @throws RouteLineError `bad-route`: not of the grammar. `route-secret`: a secret is in the text.
 */
export function parseRouteLine(text: string): RouteLine {
  return parseRouteColumns(text).route;
}

/** As parseRouteLine, and says at which column each part stands. */
export function parseRouteColumns(text: string): { route: RouteLine; columns: RouteColumns } {
  const fail = (index: number, problem: string): never => {
    // Where an "@" is, what was found may be a part of a password: it is not quoted.
    const said = text.includes("@") ? problem.replace(/, found ".*"$/s, "") : problem;
    throw new RouteLineError("bad-route", text, index + 1, said);
  };
  if (text.length > LONGEST)
    fail(0, `a route of ${text.length} characters is too long: put it into the YAML file`);
  const odd = /[^\x21-\x7e]/.exec(text);
  if (odd)
    fail(
      odd.index,
      "a route is printable ASCII without blanks: write others percent-encoded, %20 for a blank",
    );

  const equals = text.indexOf("=");
  if (equals < 0)
    fail(text.length, 'expected "=" after the port to listen on, as in 8001=http://catalog:8080');
  const listen = text.slice(0, equals);
  if (parseHostPort(listen) === null) {
    fail(0, `expected PORT, HOST:PORT or [IPV6]:PORT to listen on, found ${JSON.stringify(listen)}`);
  }

  const protocolEnd = text.indexOf("://", equals + 1);
  if (protocolEnd < 0) fail(equals + 1, 'expected PROTOCOL:// after the "=", as in 8001=http://catalog:8080');
  const protocol = text.slice(equals + 1, protocolEnd);
  if (!PROTOCOL.test(protocol))
    fail(equals + 1, `expected a protocol such as http, found ${JSON.stringify(protocol)}`);

  const targetsStart = protocolEnd + 3;
  const question = text.indexOf("?", targetsStart);
  const targetsEnd = question < 0 ? text.length : question;
  const columns = new Map<string, number>([
    ["", 1],
    ["listen", 1],
    ["protocol", equals + 2],
    ["endpoints", targetsStart + 1],
  ]);
  const endpoints: string[] = [];
  if (targetsEnd > targetsStart || question < 0) {
    let at = targetsStart;
    for (const target of text.slice(targetsStart, targetsEnd).split(",")) {
      readTarget(text, at, target, fail);
      columns.set(`endpoints.${endpoints.length}`, at + 1);
      endpoints.push(target);
      at += target.length + 1;
    }
  }

  const route: RouteLine = { listen, protocol, endpoints };
  if (question >= 0) {
    let at = question + 1;
    for (const pair of text.slice(at).split("&")) {
      readOption(text, at, pair, route, columns, fail);
      at += pair.length + 1;
    }
  }
  return { route, columns };
}

type Fail = (index: number, problem: string) => never;

function readTarget(text: string, at: number, target: string, fail: Fail): void {
  const userinfo = target.indexOf("@");
  if (userinfo >= 0) {
    throw new RouteLineError(
      "route-secret",
      text,
      at + 1,
      "a user or password in a route is refused, because pod specs are read by many: leave it out (where a pattern takes credentials, --help names a key for their file)",
    );
  }
  const slash = target.indexOf("/");
  if (slash >= 0) fail(at + slash, 'a target is HOST[:PORT] without a path: remove the "/" and what follows');
  const [name = "", weight, ...more] = target.split("*");
  const match = TARGET.exec(name);
  if (!match || (match[1] !== undefined && !match[1].includes(":"))) {
    const hint = /^[0-9A-Fa-f]*:[0-9A-Fa-f:]*:/.test(name) ? " (IPv6 stands in brackets: [::1]:8080)" : "";
    fail(at, `expected a target HOST:PORT, found ${JSON.stringify(name)}${hint}`);
  }
  const port = match?.[3];
  if (port !== undefined && /^\d+$/.test(port) && (Number(port) > 65_535 || Number(port) === 0)) {
    fail(at + name.length - port.length, `port ${port} is out of range: 1 to 65535`);
  }
  if (weight !== undefined && (more.length > 0 || !WEIGHT.test(weight))) {
    fail(
      at + name.length + 1,
      "expected a weight after the *: a whole number from 0 to 999999, 0 for no traffic",
    );
  }
}

function readOption(
  text: string,
  at: number,
  pair: string,
  route: RouteLine,
  columns: Map<string, number>,
  fail: Fail,
): void {
  const equals = pair.indexOf("=");
  const key = equals < 0 ? pair : pair.slice(0, equals);
  if (!OPTION.test(key))
    fail(at, `expected an option name such as retries or tls.caFile, found ${JSON.stringify(key)}`);
  if (looksSecret(key)) {
    throw new RouteLineError(
      "route-secret",
      text,
      at + 1,
      `${key} would put a secret into a route, and pod specs are read by many: leave it out (where a pattern takes credentials, --help names a key for their file)`,
    );
  }
  if (equals < 0) fail(at + pair.length, `option ${key} has no value: write ${key}=VALUE`);
  const encoded = pair.slice(equals + 1);
  let value = encoded;
  try {
    value = decodeURIComponent(encoded);
  } catch {
    fail(at + equals + 1, `${JSON.stringify(encoded)} is not percent-encoded UTF-8: write %25 for a % sign`);
  }
  const names = key.split(".");
  const last = names.pop() as string;
  if (names.length === 0 && OWN_KEYS.has(last))
    fail(at, `${last} is given by the route itself, not as an option`);
  let into = route as { [name: string]: RouteValue | string[] };
  for (const name of names) {
    if (!Object.hasOwn(into, name)) put(into, name, {});
    const next = into[name];
    if (typeof next !== "object" || Array.isArray(next))
      fail(at, `option ${key} contradicts ${name}, which already has a value`);
    into = next;
  }
  if (Object.hasOwn(into, last)) {
    fail(
      at,
      typeof into[last] === "object"
        ? `option ${key} contradicts ${key}.*, given before`
        : `option ${key} is given twice`,
    );
  }
  put(into, last, value);
  columns.set(key, at + 1);
}

/** An own property even for names that Object.prototype has, such as `constructor`. */
function put(into: object, name: string, value: RouteValue): void {
  Object.defineProperty(into, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Writes what parseRouteLine reads; options in their order. A lone surrogate, which UTF-8 has no bytes for, is U+FFFD. */
export function formatRouteLine(route: RouteLine): string {
  const { listen, protocol, endpoints, ...options } = route;
  const pairs: string[] = [];
  const write = (prefix: string, values: { [name: string]: RouteValue | string[] }): void => {
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === "object" && !Array.isArray(value)) write(`${prefix}${name}.`, value);
      else pairs.push(`${prefix}${name}=${encodeValue(String(value))}`);
    }
  };
  write("", options);
  return `${listen}=${protocol}://${endpoints.join(",")}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

/** Only what must be encoded is: paths and lists stay readable. */
function encodeValue(value: string): string {
  return value
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[^\x21-\x24\x27-\x7e]/gu, (odd) => encodeURIComponent(odd));
}
