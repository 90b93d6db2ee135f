/** Where leases stand, as a configuration names it: `kubernetes`, `redis://HOST`, `file:DIR`, `memory`. */
import { z } from "zod";

export type StoreAddress =
  /** Kubernetes where there is a cluster; else it is to be said. */
  | { readonly kind: "auto" | "kubernetes" | "memory" }
  | { readonly kind: "file"; readonly folder: string }
  | { readonly kind: "redis"; readonly url: string };

const ACCEPTED = "auto, kubernetes, redis://HOST[:PORT][/DB], rediss://..., file:FOLDER or memory";

export const storeOption = z
  .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom<StoreAddress>(), {
    decode(input, context) {
      const address = parseStore(input);
      if (typeof address !== "string") return address;
      context.issues.push({ code: "custom", input, message: address });
      return z.NEVER;
    },
    encode: formatStore,
  })
  .meta({ accepts: ACCEPTED });

export function formatStore(address: StoreAddress): string {
  if (address.kind === "file") return `file:${address.folder}`;
  return address.kind === "redis" ? address.url : address.kind;
}

/** @returns what is wrong with it, where something is */
function parseStore(text: string): StoreAddress | string {
  if (text === "auto" || text === "kubernetes" || text === "memory") return { kind: text };
  if (text.startsWith("file:")) {
    const folder = text.slice("file:".length).replace(/^\/\/(?=\/)/, "");
    return folder === "" || folder.includes("\0")
      ? `accepted: file:FOLDER, the path of a folder`
      : { kind: "file", folder };
  }
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text)) return `accepted: ${ACCEPTED}`;
  const url = new URL(text);
  if (url.password !== "")
    return "a password in a URL is seen by everybody who sees the configuration: put it into a file, and name that with passwordFile";
  if (url.search !== "" || url.hash !== "")
    return "a redis:// URL has a host, a port, a user and a database, and no options";
  if (!/^\/?\d{0,5}$/.test(url.pathname))
    return `${JSON.stringify(url.pathname)} is no database: accepted: /0, /1 and so on`;
  return { kind: "redis", url: text };
}
