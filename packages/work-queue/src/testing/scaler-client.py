# KEDA's side of the scaler by another implementation of gRPC; its messages are written by hand.
import struct
import sys

import grpc

PATH = "/externalscaler.ExternalScaler/"


def field(number, payload):
    return bytes([number << 3 | 2, len(payload)]) + payload


def ref(**metadata):
    entries = (field(1, k.encode()) + field(2, v.encode()) for k, v in metadata.items())
    return field(1, b"workers") + field(2, b"default") + b"".join(field(3, e) for e in entries)


channel = grpc.insecure_channel(sys.argv[1])
same = dict(request_serializer=bytes, response_deserializer=bytes)


def call(name, request):
    try:
        return channel.unary_unary(PATH + name, **same)(request, timeout=20).hex()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"


print(call("IsActive", ref()))
print(call("GetMetricSpec", ref(targetSize="7")))
print(call("GetMetrics", field(1, ref()) + field(2, b"outrigger-queue-jobs")))
print(call("GetMetricSpec", ref(targetSize="many")))
print(call("IsActive", b"\xff\xff\xff"))
print(call("StreamMetricSpec", ref()))
sys.stdout.flush()
for told in channel.unary_stream(PATH + "StreamIsActive", **same)(ref(), timeout=20):
    print("told", told.hex(), flush=True)
print("ended")
