import { externalScaler } from "../scaler/external-scaler.ts";
/** What a stream has said so far. */
export interface Watched {
    readonly told: boolean[];
    /** Its status, once it has ended: 0 is OK. */
    readonly ended: Promise<number>;
    cancel(): void;
}
export declare class ScalerClient {
    #private;
    constructor(address: string);
    /** The answer, or the status with its words. */
    call(name: keyof typeof externalScaler, request: object): Promise<unknown>;
    watch(metadata?: Record<string, string>): Watched;
    close(): void;
}
export declare const ref: (scalerMetadata?: Record<string, string>) => {
    name: string;
    namespace: string;
    scalerMetadata: Record<string, string>;
};
export declare const hasTold: (watched: Watched, ...expected: boolean[]) => Promise<void>;
//# sourceMappingURL=scaler-client.d.ts.map