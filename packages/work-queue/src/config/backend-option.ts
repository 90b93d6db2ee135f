/** Where jobs are kept, as a configuration names it. */
import { z } from "zod";

export type BackendAddress =
  | { readonly kind: "embedded"; readonly folder: string }
  | { readonly kind: "redis" | "postgres"; readonly url: string };

const ACCEPTED =
  "embedded:FOLDER, redis://HOST[:PORT], rediss://..., or postgres://[USER@]HOST[:PORT]/DATABASE";

export const backendOption = z
  .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom<BackendAddress>(), {
    decode(input, context) {
      const [, folder] = /^embedded:([^\0]+)$/.exec(input) ?? [];
      if (folder !== undefined) return { kind: "embedded", folder } as const;
      if (URL.canParse(input)) {
        // Only database 0: the driver goes on there where another one is refused to it (BUSY), and jobs would be in two.
        // A password is not given to the server: one that is taken and dropped would be looked for elsewhere.
        if (/^rediss?:\/\/[^/@?#]+\/?$/.test(input)) return { kind: "redis", url: input } as const;
        if (/^postgres(ql)?:\/\/[^/]/.test(input)) return { kind: "postgres", url: input } as const;
      }
      context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
      return z.NEVER;
    },
    encode: (address) => (address.kind === "embedded" ? `embedded:${address.folder}` : address.url),
  })
  .meta({ accepts: ACCEPTED });
