import protobuf from "protobufjs/light.js";
const text = (id) => ({ type: "string", id });
const { nested: types } = protobuf.Root.fromJSON({
    nested: {
        externalscaler: {
            nested: {
                ScaledObjectRef: {
                    fields: {
                        name: text(1),
                        namespace: text(2),
                        // protobufjs' type of a namespace has no maps.
                        scalerMetadata: { keyType: "string", type: "string", id: 3 },
                    },
                },
                IsActiveResponse: { fields: { result: { type: "bool", id: 1 } } },
                GetMetricSpecResponse: { fields: { metricSpecs: { rule: "repeated", type: "MetricSpec", id: 1 } } },
                MetricSpec: {
                    fields: {
                        metricName: text(1),
                        targetSize: { type: "int64", id: 2 },
                        targetSizeFloat: { type: "double", id: 3 },
                    },
                },
                GetMetricsRequest: {
                    fields: { scaledObjectRef: { type: "ScaledObjectRef", id: 1 }, metricName: text(2) },
                },
                GetMetricsResponse: {
                    fields: { metricValues: { rule: "repeated", type: "MetricValue", id: 1 } },
                },
                MetricValue: {
                    fields: {
                        metricName: text(1),
                        metricValue: { type: "int64", id: 2 },
                        metricValueFloat: { type: "double", id: 3 },
                    },
                },
            },
        },
    },
}).lookup("externalscaler");
/** A call: how its messages are read and written. */
function call(name, request, response, responseStream = false) {
    const [asked, told] = [types?.[request], types?.[response]];
    const write = (type) => (message) => Buffer.from(type.encode(message).finish());
    const read = (type) => (bytes) => type.toObject(type.decode(bytes), { defaults: true, longs: Number });
    return {
        path: `/externalscaler.ExternalScaler/${name}`,
        requestStream: false,
        responseStream,
        requestSerialize: write(asked),
        requestDeserialize: read(asked),
        responseSerialize: write(told),
        responseDeserialize: read(told),
    };
}
export const externalScaler = {
    IsActive: call("IsActive", "ScaledObjectRef", "IsActiveResponse"),
    StreamIsActive: call("StreamIsActive", "ScaledObjectRef", "IsActiveResponse", true),
    GetMetricSpec: call("GetMetricSpec", "ScaledObjectRef", "GetMetricSpecResponse"),
    GetMetrics: call("GetMetrics", "GetMetricsRequest", "GetMetricsResponse"),
};
//# sourceMappingURL=external-scaler.js.map