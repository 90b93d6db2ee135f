/** The forms of a request target (RFC 9112 section 3.2) and what a gateway makes of them. */
import type { Framing } from "./framing.ts";
import type { Head } from "./head.ts";
import type { Violation } from "./violation.ts";

const SLASH = 0x2f;
const STAR = 0x2a;
const CAPITAL_C = 0x43;
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

export interface TargetReading {
  readonly violation: Violation | null;
  /** The origin form to send instead of an absolute one; null: send the target as it came. */
  readonly replacement: string | null;
  /** The host that an absolute target names; null for the other forms. */
  readonly authority: string | null;
}

const AS_IT_CAME: TargetReading = { violation: null, replacement: null, authority: null };
const BAD_FORM: TargetReading = { violation: "bad-target-form", replacement: null, authority: null };

/**
 * Origin form passes; absolute form must name the Host that the Host field names (an attacker's two parsers would pick
 * one each) and becomes origin form; `*` is for OPTIONS; the authority form is for CONNECT, which a gateway has no use for.
 */
export function readTarget(head: Head, framing: Framing): TargetReading {
  const { bytes, targetStart, targetEnd } = head;
  // CONNECT would turn the endpoint's connection into a tunnel that the next request finds itself in.
  if (bytes[head.start] === CAPITAL_C && head.text(head.start, head.methodEnd) === "CONNECT") return BAD_FORM;
  if (bytes[targetStart] === SLASH) return AS_IT_CAME;
  const method = head.text(head.start, head.methodEnd);
  if (bytes[targetStart] === STAR && targetEnd - targetStart === 1)
    return method === "OPTIONS" ? AS_IT_CAME : BAD_FORM;
  const absolute = ABSOLUTE.exec(head.text(targetStart, targetEnd));
  if (!absolute) return BAD_FORM;
  const [, authority = "", rest = ""] = absolute;
  if (authority === "" || authority.includes("@")) return BAD_FORM;
  const host = framing.hostStart < 0 ? authority : head.text(framing.hostStart, framing.hostEnd);
  if (host.toLowerCase() !== authority.toLowerCase())
    return { violation: "conflicting-host", replacement: null, authority: null };
  // An empty path is "/" (or "*" for OPTIONS, RFC 9112 section 3.2.4); a query alone gets its slash.
  const empty = method === "OPTIONS" ? "*" : "/";
  const replacement = rest === "" ? empty : rest.startsWith("/") ? rest : `/${rest}`;
  return { violation: null, replacement, authority };
}
