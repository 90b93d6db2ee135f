import * as z from "zod";
export interface Schedule {
    readonly name: string;
    /** Five fields of cron, or `every` and milliseconds. */
    readonly when: string;
    /** Of the IANA database; of fields of cron only. */
    readonly zone: string;
    readonly method: string;
    /** Path and query. */
    readonly target: string;
}
export declare const schedulesOption: z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodString>, z.ZodString]>, z.ZodCustom<Schedule[], Schedule[]>>;
//# sourceMappingURL=schedules-option.d.ts.map