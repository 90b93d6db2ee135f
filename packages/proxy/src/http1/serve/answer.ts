/** The head of an answer of this process. */
import type { Bytes } from "@outrigger/core";

/** In their order; names as they shall stand on the wire. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
  /** Of the body; null: it has none, or ends with the connection. */
  readonly length: Bytes | "chunked" | null;
  readonly connection: "close" | "keep-alive" | "";
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** RFC 9110 section 5.5: what may stand in a value, one char a byte. Whatever a handler was given, no line ends early. */
const NOT_IN_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/g;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What the engine says by itself. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
]);

/** @throws RangeError for a status that no answer ends with: before anything of it is written */
export function renderHead({ status, fields, length, connection }: AnswerHead): string {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new RangeError(`${status} is not the status of an answer: 200 to 599`);
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n`;
  for (const [name, value] of fields)
    if (TOKEN.test(name) && !OURS.has(name.toLowerCase()))
      text += `${name}: ${value.replace(NOT_IN_A_VALUE, "?")}\r\n`;
  if (length === "chunked") text += "transfer-encoding: chunked\r\n";
  else if (length !== null) text += `content-length: ${length}\r\n`;
  if (connection !== "") text += `connection: ${connection}\r\n`;
  return `${text}\r\n`;
}
