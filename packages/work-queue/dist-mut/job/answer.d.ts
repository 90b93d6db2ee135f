/** The workload's answer as it is kept for the caller. */
import type { StoredBody } from "./body.ts";
export interface Answer {
    readonly status: number;
    readonly fields: readonly (readonly [name: string, value: string])[];
    readonly body: StoredBody;
}
//# sourceMappingURL=answer.d.ts.map