export interface ScalerMetadata {
    /** Jobs for each worker. */
    readonly targetSize: number;
}
/** @throws OutriggerError `bad-metadata`, with every problem in its message */
export declare function parseScalerMetadata(metadata: Readonly<Record<string, string>>): ScalerMetadata;
//# sourceMappingURL=scaler-metadata.d.ts.map