/** Jobs at once: a number, or `adaptive`. */
import * as z from "zod";
const ACCEPTED = "a whole number from 1 to 10000, or adaptive";
export const concurrencyOption = z
    .codec(z.union([z.number(), z.string()], { error: `accepted: ${ACCEPTED}` }), z.union([z.number(), z.literal("adaptive")]), {
    decode(input, context) {
        if (input === "adaptive")
            return input;
        const number = typeof input === "number" || /^\d{1,5}$/.test(input) ? Number(input) : NaN;
        if (Number.isInteger(number) && number >= 1 && number <= 10_000)
            return number;
        context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
        return z.NEVER;
    },
    encode: (value) => value,
})
    .meta({ accepts: ACCEPTED });
//# sourceMappingURL=concurrency-option.js.map