export interface ScaledObjectRef {
    readonly name: string;
    readonly namespace: string;
    readonly scalerMetadata: Readonly<Record<string, string>>;
}
export interface IsActiveResponse {
    readonly result: boolean;
}
export interface GetMetricSpecResponse {
    /** KEDA before 2.9 reads the whole number alone. */
    readonly metricSpecs: readonly {
        metricName: string;
        targetSize: number;
        targetSizeFloat: number;
    }[];
}
export interface GetMetricsRequest {
    readonly scaledObjectRef: ScaledObjectRef | null;
    readonly metricName: string;
}
export interface GetMetricsResponse {
    readonly metricValues: readonly {
        metricName: string;
        metricValue: number;
        metricValueFloat: number;
    }[];
}
export declare const externalScaler: {
    IsActive: {
        path: string;
        requestStream: boolean;
        responseStream: boolean;
        requestSerialize: (message: object) => Buffer<ArrayBuffer>;
        requestDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
        responseSerialize: (message: object) => Buffer<ArrayBuffer>;
        responseDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
    };
    StreamIsActive: {
        path: string;
        requestStream: boolean;
        responseStream: boolean;
        requestSerialize: (message: object) => Buffer<ArrayBuffer>;
        requestDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
        responseSerialize: (message: object) => Buffer<ArrayBuffer>;
        responseDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
    };
    GetMetricSpec: {
        path: string;
        requestStream: boolean;
        responseStream: boolean;
        requestSerialize: (message: object) => Buffer<ArrayBuffer>;
        requestDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
        responseSerialize: (message: object) => Buffer<ArrayBuffer>;
        responseDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
    };
    GetMetrics: {
        path: string;
        requestStream: boolean;
        responseStream: boolean;
        requestSerialize: (message: object) => Buffer<ArrayBuffer>;
        requestDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
        responseSerialize: (message: object) => Buffer<ArrayBuffer>;
        responseDeserialize: (bytes: Buffer) => {
            [k: string]: any;
        };
    };
};
//# sourceMappingURL=external-scaler.d.ts.map