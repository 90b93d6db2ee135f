/** What tells that the workload can be given jobs, as a configuration names it. */
import * as z from "zod";
/** The path; null: tcp. */
export declare const readyOption: z.ZodCodec<z.ZodString, z.ZodCustom<string | null, string | null>>;
//# sourceMappingURL=ready-option.d.ts.map