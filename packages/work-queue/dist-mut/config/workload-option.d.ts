/** The workload, as a configuration names it: asked over HTTP, or a program that reads files. */
import * as z from "zod";
import { type Rule } from "./rules-option.ts";
/** The folder of a program that reads files; null: the workload is asked over HTTP. */
export declare const filesOf: (workload: string) => string | null;
export declare const workloadOption: z.ZodString;
/** What is said of a workload over HTTP, and holds for no other. */
export declare function problemsOfFiles({ workload, rules, ready, }: {
    readonly workload: string;
    readonly rules: readonly Rule[];
    readonly ready: string | null;
}): Generator<{
    readonly path: string[];
    readonly message: string;
}>;
//# sourceMappingURL=workload-option.d.ts.map