/** Which upgrades a proxy must not pass on. */
import { HTTP2_SETTINGS, UPGRADE } from "./field-id.ts";
import { listMembers } from "./field-value.ts";
import { FIELD_STRIDE, type Head } from "./head.ts";

/** Whether the request asks for HTTP/2 in clear text (RFC 7540 section 3.2, obsoleted by RFC 9113 section 3.1). */
export function asksForH2c(head: Head): boolean {
  const { fields } = head;
  for (let slot = 0; slot < head.fieldCount * FIELD_STRIDE; slot += FIELD_STRIDE) {
    const id = fields[slot + 4];
    if (id === HTTP2_SETTINGS) return true;
    if (id !== UPGRADE) continue;
    const protocols = listMembers(head.text(fields[slot + 2] as number, fields[slot + 3] as number));
    if (protocols.some((protocol) => protocol.startsWith("h2c"))) return true;
  }
  return false;
}
