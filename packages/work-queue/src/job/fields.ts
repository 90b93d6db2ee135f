/** Which of a message's fields travel with a job, and which are of one connection, or of ours. */

export type Field = readonly [name: string, value: string];

/** Of one connection (RFC 9110 section 7.6.1), or made anew for the body that is sent. */
const HOP: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Stored only where that is allowed: who reads the queue would have them. */
const CREDENTIALS = ["authorization", "cookie"];

/** What callers say to the queue. */
const TO_US = ["idempotency-key", "prefer"];

/** Of a request's fields, those that do not go with its job. */
const APART: ReadonlyMap<string, "dropped" | "to-us"> = new Map([
  ...[...HOP, ...CREDENTIALS].map((name) => [name, "dropped"] as const),
  ...TO_US.map((name) => [name, "to-us"] as const),
]);

/** What the queue says to the workload; a caller's own is not passed on. */
const OURS = "outrigger-";
/** To a workload that has fields as variables (CGI, WSGI, PHP) Outrigger_Job is Outrigger-Job. */
const LIKE_OURS = "outrigger_";

export interface RequestFields {
  /** What goes with the job. */
  readonly kept: Field[];
  /** What the caller says to the queue, by name. */
  readonly toUs: ReadonlyMap<string, string>;
}

/** @param head of a request, as the engine passes it on: without the fields of the caller's connection */
export function requestFields(head: string): RequestFields {
  const kept: Field[] = [];
  const toUs = new Map<string, string>();
  let at = head.indexOf("\r\n") + 2;
  for (let end = head.indexOf("\r\n", at); end > at; end = head.indexOf("\r\n", at)) {
    const colon = head.indexOf(":", at);
    const name = head.slice(at, colon).toLowerCase();
    const value = head.slice(colon + 1, end).trim();
    at = end + 2;
    const apart = APART.get(name);
    if (apart === "to-us" || name.startsWith(OURS)) toUs.set(name, value);
    else if (apart === undefined && !name.startsWith(LIKE_OURS)) kept.push([name, value]);
  }
  return { kept, toUs };
}

/** @param raw names and values in turn, as node:http has an answer's */
export function answerFields(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  const nominated: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    const value = raw[at + 1] as string;
    if (!HOP.has(name)) fields.push([name, value]);
    else if (name === "connection" && value !== "keep-alive")
      nominated.push(...value.split(",").map((each) => each.trim().toLowerCase()));
  }
  return nominated.length === 0 ? fields : fields.filter(([name]) => !nominated.includes(name));
}
