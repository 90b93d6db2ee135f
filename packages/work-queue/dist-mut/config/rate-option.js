/** How often something may begin, as a configuration names it. */
import { parseDuration } from "@outrigger/core";
import * as z from "zod";
const ACCEPTED = "a number and its time: 10/s, 600/m, 5/30s";
const LONGEST = 24 * 3_600_000;
export const rateOption = z
    .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        const [, max, count = "", unit = ""] = /^([1-9]\d{0,8})\/(\d{0,9})(ms|s|m|h)$/.exec(input) ?? [];
        const span = max === undefined ? 0 : parseDuration(`${count || 1}${unit}`);
        if (span >= 1 && span <= LONGEST)
            return { max: Number(max), span };
        context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}; at most a day` });
        return z.NEVER;
    },
    encode: ({ max, span }) => `${max}/${span}ms`,
})
    .meta({ accepts: ACCEPTED });
//# sourceMappingURL=rate-option.js.map