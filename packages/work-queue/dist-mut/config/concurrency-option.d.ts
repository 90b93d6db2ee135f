/** Jobs at once: a number, or `adaptive`. */
import * as z from "zod";
export declare const concurrencyOption: z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodUnion<readonly [z.ZodNumber, z.ZodLiteral<"adaptive">]>>;
//# sourceMappingURL=concurrency-option.d.ts.map