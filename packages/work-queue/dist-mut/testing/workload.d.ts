/** A workload that says what it was sent. */
import { type IncomingMessage, type ServerResponse } from "node:http";
export interface Seen {
    readonly method: string;
    readonly target: string;
    readonly raw: readonly string[];
    readonly headers: IncomingMessage["headers"];
    readonly body: Buffer;
}
export type Behaviour = (seen: Seen, response: ServerResponse) => void;
export declare class Workload {
    #private;
    readonly seen: Seen[];
    behave: Behaviour;
    static start(port?: number): Promise<Workload>;
    get url(): string;
    end(): Promise<void>;
}
//# sourceMappingURL=workload.d.ts.map