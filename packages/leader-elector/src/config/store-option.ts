/** Where leases stand, as a configuration names it: `kubernetes`, `redis://HOST`, `file:DIR`, `memory`. */
import { OutriggerError, parseRedisUrl } from "@outrigger/core";
import * as z from "zod";

export type StoreAddress =
  /** Kubernetes where there is a cluster; else it is to be said. */
  | { readonly kind: "auto" | "kubernetes" | "memory" }
  | { readonly kind: "file"; readonly folder: string }
  | { readonly kind: "redis"; readonly url: string };

const ACCEPTED =
  "auto, kubernetes, redis://[USER@]HOST[:PORT][/DB], rediss://..., unix:///PATH of a Redis, file:FOLDER, or memory";

export const storeOption = z
  .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom<StoreAddress>(), {
    decode(input, context) {
      try {
        const address = parseStore(input);
        if (address !== null) return address;
        context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
      } catch (thrown) {
        const { code, message } = OutriggerError.from(thrown);
        if (code !== "bad-redis-url") throw thrown;
        context.issues.push({ code: "custom", input, message });
      }
      return z.NEVER;
    },
    encode: (address) =>
      address.kind === "file"
        ? `file:${address.folder}`
        : address.kind === "redis"
          ? address.url
          : address.kind,
  })
  .meta({ accepts: ACCEPTED });

/** @throws OutriggerError `bad-redis-url` */
function parseStore(text: string): StoreAddress | null {
  if (text === "auto" || text === "kubernetes" || text === "memory") return { kind: text };
  const [, folder] = /^file:(?:\/\/(?=\/))?([^\0]+)$/.exec(text) ?? [];
  if (folder !== undefined) return { kind: "file", folder };
  if (!/^(?:rediss?|unix):\/\//.test(text)) return null;
  parseRedisUrl(text);
  return { kind: "redis", url: text };
}
