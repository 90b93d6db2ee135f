/** The fields that go on: without those of one hop (RFC 9110 section 7.6.1), with those of forwarding. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Target } from "./target.ts";

type Fields = Record<string, string | string[] | undefined>;

/** Transfer-Encoding is not among them: Node reads it, and writes it, by what a message has. */
const OF_ONE_HOP = ["connection", "keep-alive", "proxy-connection", "te", "upgrade"];
/** Meant for us as well. An expectation was answered by our own server. */
const NOT_PASSED_ON = ["proxy-authorization", "http2-settings", "expect"];
/** Whoever names these in Connection wants a message to be read in two ways. */
const NEVER_OF_ONE_HOP: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

/** For the upstream. Node has joined what came more than once. */
export function requestFields(request: IncomingMessage, target: Target): Record<string, string | string[]> {
  const fields = withoutHop(request.headers);
  for (const name of NOT_PASSED_ON) delete fields[name];
  keepTrailer(fields, isChunked(request.headers));
  remove(fields, target.removeHeaders ?? []);
  const before = request.headers["x-forwarded-for"];
  const client = (request.socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
  fields["x-forwarded-for"] = before === undefined ? client : `${String(before)}, ${client}`;
  fields["x-forwarded-proto"] ??= "http";
  if (request.headers.host !== undefined) fields["x-forwarded-host"] ??= request.headers.host;
  const acceptsTrailers = /(^|,)\s*trailers\s*(,|;|$)/i.test(String(request.headers["te"] ?? ""));
  if (acceptsTrailers) Object.assign(fields, { te: "trailers", connection: "te" });
  for (const [name, value] of Object.entries(target.setHeaders ?? {})) fields[name.toLowerCase()] = value;
  return fields as Record<string, string | string[]>;
}

/** For the client, in place of those that came; http-proxy copies them. Node frames the body anew. */
export function answerFields(answer: IncomingMessage, request: IncomingMessage): Fields {
  const fields = withoutHop(answer.headers);
  const bodiless = request.method === "HEAD" || answer.statusCode === 204 || answer.statusCode === 304;
  keepTrailer(fields, !bodiless && request.httpVersion !== "1.0" && isChunked(answer.headers));
  delete fields["transfer-encoding"];
  return fields;
}

/** @param removed names that may not come in this way, either */
export function trailerFields(
  message: IncomingMessage,
  removed: readonly string[] = [],
): NodeJS.Dict<string[]> {
  const fields: Fields = { ...message.trailersDistinct };
  remove(fields, removed);
  return fields as NodeJS.Dict<string[]>;
}

/** Node throws where a message announces trailers and is not sent in chunks. */
function keepTrailer(fields: Fields, chunked: boolean): void {
  if (!chunked) delete fields["trailer"];
}

/** Node has refused a message in which chunked is not the last coding. */
export function isChunked(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined;
}

function withoutHop(headers: IncomingHttpHeaders): Fields {
  const fields: Fields = { ...headers };
  for (const name of listMembers(headers.connection)) if (!NEVER_OF_ONE_HOP.has(name)) delete fields[name];
  for (const name of OF_ONE_HOP) delete fields[name];
  return fields;
}

/** @param names in any case; `x_outrigger_token` goes with `x-outrigger-token`: to CGI and its kin they are the same */
function remove(fields: Fields, names: readonly string[]): void {
  const gone = new Set(names.map(spelling));
  for (const name of Object.keys(fields)) if (gone.has(spelling(name))) delete fields[name];
}

const spelling = (name: string): string => name.toLowerCase().replaceAll("_", "-");

/** In lower case. */
export function listMembers(value: string | undefined): string[] {
  return (value ?? "").split(",").map((member) => member.trim().toLowerCase());
}
