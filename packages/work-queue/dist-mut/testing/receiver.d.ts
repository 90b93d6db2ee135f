/** Somebody whom webhooks tell. */
import { type IncomingMessage, type ServerResponse } from "node:http";
export interface Told {
    readonly method: string | undefined;
    readonly path: string | undefined;
    readonly headers: IncomingMessage["headers"];
    readonly text: string;
    readonly body: {
        id: string;
        state: string;
        attempts: number;
        status?: number;
        reason?: string;
    };
}
export declare class Receiver {
    #private;
    readonly told: Told[];
    answer: (response: ServerResponse, told: Told) => void;
    static start(): Promise<Receiver>;
    get url(): string;
    end(): Promise<void>;
}
//# sourceMappingURL=receiver.d.ts.map