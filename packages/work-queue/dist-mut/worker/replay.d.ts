/** Gives a stored request to the workload, and takes its answer whole. */
import { type Agent } from "node:http";
import { type Bytes } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import { type BlobBody, type StoredBody } from "../job/body.ts";
import { type Field } from "../job/fields.ts";
import type { StoredRequest } from "../job/stored-request.ts";
export interface ReplayDeps {
    readonly agent: Agent;
    readonly workload: WorkloadAddress;
    readonly maxAnswer: Bytes;
    /** @throws OutriggerError, which ends the replay */
    readBody(stored: BlobBody): AsyncIterable<Buffer>;
    /** Of an answer's body that is larger than a job may be. @throws OutriggerError, which ends the replay */
    keepBody(status: number, pieces: AsyncIterable<Buffer>): Promise<StoredBody>;
}
export interface WorkloadAddress {
    readonly host: string;
    readonly port: number;
    /** As a request names it. */
    readonly authority: string;
}
export declare function workloadAddress(url: string): WorkloadAddress;
/**
 * @param added fields of ours
 * @throws OutriggerError `workload-away`: nothing was sent; `no-answer`, `answer-too-large`; what readBody and keepBody throw; the signal's reason
 */
export declare function replay(request: StoredRequest, added: readonly Field[], deps: ReplayDeps, signal: AbortSignal): Promise<Answer>;
//# sourceMappingURL=replay.d.ts.map