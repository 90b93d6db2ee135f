/** How often something may begin, as a configuration names it. */
import { type Milliseconds } from "@outrigger/core";
import * as z from "zod";
export interface Rate {
    readonly max: number;
    readonly span: Milliseconds;
}
export declare const rateOption: z.ZodCodec<z.ZodString, z.ZodCustom<Rate, Rate>>;
//# sourceMappingURL=rate-option.d.ts.map