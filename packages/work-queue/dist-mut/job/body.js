/** A body as it is stored: text where it is text, for that is short and can be read; base64 where it is not; apart if it is large. */
import { isUtf8 } from "node:buffer";
export const isBlob = (stored) => typeof stored === "object" && "blob" in stored;
export function storeBody(bytes) {
    // Postgres keeps no NUL in a text.
    return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString("utf8") : { base64: bytes.toString("base64") };
}
export function readBody(stored) {
    return typeof stored === "string" ? Buffer.from(stored, "utf8") : Buffer.from(stored.base64, "base64");
}
//# sourceMappingURL=body.js.map