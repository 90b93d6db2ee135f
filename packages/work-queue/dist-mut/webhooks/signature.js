/**
 * `Outrigger-Signature: t=UNIX,v1=HEX`: HMAC-SHA256 (RFC 2104) over `UNIX.BODY`, so that who has the key knows that the body is ours,
 * and, by the time within it, that it is not an old one sent again.
 */
import { createHmac } from "node:crypto";
export function signature(key, at, body) {
    const seconds = Math.floor(at / 1_000);
    return `t=${seconds},v1=${createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex")}`;
}
//# sourceMappingURL=signature.js.map