/** A request as it is kept until the workload has answered it. */
import type { StoredBody } from "./body.ts";
export interface StoredRequest {
    readonly method: string;
    /** Path and query, as they came. */
    readonly target: string;
    /** Names and values, in their order. */
    readonly fields: readonly (readonly [name: string, value: string])[];
    readonly body: StoredBody;
    /** Milliseconds since 1970 UTC, after which no attempt is begun or goes on. */
    readonly deadline?: number;
    /** Of one with an Idempotency-Key: tells whether another with that key is the same. */
    readonly fingerprint?: string;
}
//# sourceMappingURL=stored-request.d.ts.map