/** What an answer means for its job. */
export type Verdict = "done" | "again" | "refused";
export declare function verdictOn(status: number): Verdict;
//# sourceMappingURL=verdict.d.ts.map