/**
 * Where a webhook may go: what the configuration names, and no link-local address (169.254.0.0/16, fe80::/10), where clouds keep the
 * machine's own credentials. A name is looked at when it is resolved for a connection, which goes where that look said.
 */
import { lookup } from "node:dns";
import { BlockList, isIP } from "node:net";
const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");
/** @param address an IP address */
export function isLinkLocal(address) {
    return linkLocal.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
/** @returns the problem; null: it may be one */
export function problemOfTarget(text) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password + url.hash !== "")
        return "accepted: http://HOST[:PORT]/PATH or https://..., without a user and without #";
    const host = url.hostname.replace(/^\[|\]$/g, "");
    return isIP(host) && isLinkLocal(host) ? LINK_LOCAL : null;
}
const LINK_LOCAL = "a link-local address is no target of a webhook";
/** For node:http's `lookup`. */
export const resolveTarget = (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
        const found = typeof address === "string" ? [address] : (address ?? []).map((one) => one.address);
        if (error === null && found.some(isLinkLocal))
            callback(new Error(`${hostname}: ${LINK_LOCAL}`), "", 0);
        else
            callback(error, address, family);
    });
};
//# sourceMappingURL=target.js.map