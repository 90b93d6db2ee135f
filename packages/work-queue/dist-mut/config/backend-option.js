/** Where jobs are kept, as a configuration names it. */
import { OutriggerError, parseRedisUrl } from "@outrigger/core";
import * as z from "zod";
const ACCEPTED = "embedded:FOLDER, redis://[USER@]HOST[:PORT], rediss://..., unix:///PATH of a Redis, or postgres://[USER@]HOST[:PORT]/DATABASE";
export const backendOption = z
    .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        const [, folder] = /^embedded:([^\0]+)$/.exec(input) ?? [];
        if (folder !== undefined)
            return { kind: "embedded", folder };
        try {
            if (/^(rediss?|unix):/.test(input)) {
                if (parseRedisUrl(input).db === 0)
                    return { kind: "redis", url: input };
                // The driver goes on in database 0 where another one is refused to it (BUSY): jobs would be in two.
                throw new OutriggerError("bad-backend", "only database 0 can be used: give this queue a Redis of its own, or a name of its own there");
            }
            if (/^postgres(ql)?:\/\/[^/]/.test(input) && URL.canParse(input)) {
                if (new URL(input).password === "")
                    return { kind: "postgres", url: input };
                throw new OutriggerError("bad-backend", "a password stands in it: put it into a file and name that (passwordFile)");
            }
            throw new OutriggerError("bad-backend", `accepted: ${ACCEPTED}`);
        }
        catch (thrown) {
            context.issues.push({ code: "custom", input, message: OutriggerError.from(thrown).message });
            return z.NEVER;
        }
    },
    encode: (address) => (address.kind === "embedded" ? `embedded:${address.folder}` : address.url),
})
    .meta({ accepts: ACCEPTED });
//# sourceMappingURL=backend-option.js.map