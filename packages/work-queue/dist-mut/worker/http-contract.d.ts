import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import type { Attempt, Contract } from "./contract.ts";
export declare class HttpContract implements Contract {
    #private;
    /** @param workload http://HOST:PORT */
    constructor(workload: string, bodies: Bodies);
    look(path: string | null, signal: AbortSignal): Promise<string | null>;
    attempt({ id, number, request, maxAnswer, keepBody }: Attempt, signal: AbortSignal): Promise<Answer>;
    end(): Promise<void>;
}
//# sourceMappingURL=http-contract.d.ts.map