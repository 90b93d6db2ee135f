/** A body as it is stored: text where it is text, for that is short and can be read; base64 where it is not. */
import { isUtf8 } from "node:buffer";

export type StoredBody = string | { readonly base64: string };

export function storeBody(bytes: Buffer): StoredBody {
  // Postgres keeps no NUL in a text.
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString("utf8") : { base64: bytes.toString("base64") };
}

export function readBody(stored: StoredBody): Buffer {
  return typeof stored === "string" ? Buffer.from(stored, "utf8") : Buffer.from(stored.base64, "base64");
}
