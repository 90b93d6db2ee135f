/** Which requests become jobs, which pass straight through, and what their path says of their jobs. */
import { type Milliseconds } from "@outrigger/core";
import * as z from "zod";
export interface Rule {
    /** null: all. */
    readonly methods: readonly string[] | null;
    /** Of the path; whole, or where `isPrefix` its beginning. */
    readonly path: string;
    readonly isPrefix: boolean;
    /** To the workload, at once, and no job. */
    readonly passes: boolean;
    readonly wishes: RuleWishes;
}
/** What a rule says itself; the rest is the caller's to say. */
export interface RuleWishes {
    readonly priority?: number;
    readonly delay?: Milliseconds;
    readonly deadline?: Milliseconds;
    readonly attempts?: number;
}
export declare const LATEST_PRIORITY = 1000000;
export declare const LONGEST_WISH: Milliseconds;
export declare const rulesOption: z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodString>, z.ZodString]>, z.ZodCustom<Rule[], Rule[]>>;
export declare function formatRule({ methods, path, isPrefix, passes, wishes }: Rule): string;
/** The first that fits; null: none does. @param target path and query, as they came */
export declare function ruleFor(rules: readonly Rule[], method: string, target: string): Rule | null;
//# sourceMappingURL=rules-option.d.ts.map