/**
 * What KEDA asks of a scaler: `externalscaler.ExternalScaler` of its external scalers' documentation, as gRPC serves it.
 * protobufjs, because grpc-js brings it along: its light part adds nothing to the bundle, where @bufbuild/protobuf would add 96 KB.
 */
import type { ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs/light.js";

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
  readonly metricSpecs: readonly { metricName: string; targetSize: number; targetSizeFloat: number }[];
}

export interface GetMetricsRequest {
  readonly scaledObjectRef: ScaledObjectRef | null;
  readonly metricName: string;
}

export interface GetMetricsResponse {
  readonly metricValues: readonly { metricName: string; metricValue: number; metricValueFloat: number }[];
}

const text = (id: number) => ({ type: "string", id });

const { nested: types } = protobuf.Root.fromJSON({
  nested: {
    externalscaler: {
      nested: {
        ScaledObjectRef: {
          fields: {
            name: text(1),
            namespace: text(2),
            // protobufjs' type of a namespace has no maps.
            scalerMetadata: { keyType: "string", type: "string", id: 3 } as protobuf.IField,
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
}).lookup("externalscaler") as protobuf.Namespace;

/** A call: how its messages are read and written. */
function call(name: string, request: string, response: string, responseStream = false) {
  const [asked, told] = [types?.[request] as protobuf.Type, types?.[response] as protobuf.Type];
  const write = (type: protobuf.Type) => (message: object) => Buffer.from(type.encode(message).finish());
  const read = (type: protobuf.Type) => (bytes: Buffer) =>
    type.toObject(type.decode(bytes), { defaults: true, longs: Number });
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
} satisfies ServiceDefinition;
