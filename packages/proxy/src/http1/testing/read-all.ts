/** Drives the codec over a byte stream the way a connection does, without sockets: for tests of framing. */
import { BodyReader } from "../codec/body-reader.ts";
import { Framing } from "../codec/framing.ts";
import { HeadBuffer } from "../codec/head-buffer.ts";
import { Head, NEED_MORE, type HeadLimits } from "../codec/head.ts";
import { readTarget } from "../codec/request-target.ts";
import type { Violation } from "../codec/violation.ts";

export const LIMITS: HeadLimits = { maxBytes: 4096, maxFields: 40 };

export interface ReadMessage {
  readonly line: string;
  readonly fields: readonly (readonly [string, string])[];
  /** Chunk framing removed. */
  readonly body: string;
  readonly complete: boolean;
}

export interface Reading {
  readonly messages: readonly ReadMessage[];
  readonly violation: Violation | null;
}

/** Reads requests (or answers to GET) from `pieces` until a violation or the end. */
export function readAll(
  pieces: readonly Buffer[],
  side: "request" | "response" = "request",
  limits = LIMITS,
): Reading {
  const head = new Head(limits);
  const framing = new Framing();
  const body = new BodyReader();
  const messages: ReadMessage[] = [];
  let current: { line: string; fields: [string, string][]; body: string } | null = null;
  let partial: HeadBuffer | null = null;
  const finish = (complete: boolean): void => {
    if (current) messages.push({ ...current, complete });
    current = null;
  };
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      if (current !== null) {
        const into: { body: string } = current;
        const collect = (start: number, end: number): void =>
          void (into.body += piece.toString("latin1", start, end));
        const past = body.read(piece, at, piece.length, collect);
        if (body.violation) return { messages, violation: body.violation };
        if (body.kind !== "chunked") collect(at, past);
        at = past;
        if (body.done) finish(true);
        continue;
      }
      let past: number;
      const before: number = partial?.length ?? 0;
      if (partial === null) {
        past =
          side === "request"
            ? head.readRequest(piece, at, piece.length)
            : head.readResponse(piece, at, piece.length);
        if (past === NEED_MORE) {
          partial = new HeadBuffer();
          partial.add(piece, at, piece.length, limits.maxBytes);
          break;
        }
        if (past >= 0) at = past;
      } else {
        if (!partial.add(piece, at, piece.length, limits.maxBytes)) break;
        past =
          side === "request"
            ? head.readRequest(partial.bytes, 0, partial.length)
            : head.readResponse(partial.bytes, 0, partial.length);
        if (past === NEED_MORE) break;
        if (past >= 0) at += past - before;
        partial = null;
      }
      if (past < 0) return { messages, violation: head.violation };
      const violation =
        side === "request"
          ? (framing.ofRequest(head) ?? readTarget(head, framing).violation)
          : framing.ofResponse(head, false);
      if (violation) return { messages, violation };
      body.begin(framing.body, framing.length);
      current = { line: head.text(head.start, head.fieldsStart - 2), fields: fieldsOf(head), body: "" };
      if (body.done) finish(true);
    }
  }
  if (current) finish(body.finish());
  return { messages, violation: null };
}

function fieldsOf(head: Head): [string, string][] {
  const fields: [string, string][] = [];
  for (let slot = 0; slot < head.fieldCount * 5; slot += 5) {
    const [nameStart, nameEnd, valueStart, valueEnd] = head.fields.subarray(slot, slot + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    fields.push([head.text(nameStart, nameEnd).toLowerCase(), head.text(valueStart, valueEnd)]);
  }
  return fields;
}
