/** What tells that the workload can be given jobs, as a configuration names it. */
import * as z from "zod";
const ACCEPTED = "tcp, or a path, as /healthz";
/** The path; null: tcp. */
export const readyOption = z
    .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        if (input === "tcp")
            return null;
        if (/^\/[\x21-\x7e]*$/.test(input))
            return input;
        context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
        return z.NEVER;
    },
    encode: (path) => path ?? "tcp",
})
    .meta({ accepts: ACCEPTED });
//# sourceMappingURL=ready-option.js.map