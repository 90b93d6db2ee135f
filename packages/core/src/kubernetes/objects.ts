/** The objects of the Kubernetes API that are used, with the fields that are used; what else they have is kept as it came. */
import * as z from "zod";

const texts = z.record(z.string(), z.string()).nullish();

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  /** Opaque by contract; see Lease's store for who takes it for a number nevertheless. */
  resourceVersion: z.string().optional(),
  labels: texts,
  annotations: texts,
});

const lease = z.looseObject({
  metadata,
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.int().nullish(),
      /** MicroTime: RFC 3339 with six digits below the second. */
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.int().nullish(),
    })
    .nullish(),
});

const endpoint = z.looseObject({
  addresses: z.array(z.string()),
  /** nil is not false: a nil `ready` or `serving` is to be taken for true, a nil `terminating` for false. */
  conditions: z
    .looseObject({
      ready: z.boolean().nullish(),
      serving: z.boolean().nullish(),
      terminating: z.boolean().nullish(),
    })
    .nullish(),
  targetRef: z
    .looseObject({ kind: z.string().nullish(), name: z.string().nullish(), uid: z.string().nullish() })
    .nullish(),
});

const endpointSlice = z.looseObject({
  metadata,
  addressType: z.string(),
  endpoints: z.array(endpoint).nullish(),
  ports: z
    .array(
      z.looseObject({
        name: z.string().nullish(),
        port: z.int().nullish(),
        protocol: z.string().nullish(),
      }),
    )
    .nullish(),
});

export type ObjectMeta = z.infer<typeof metadata>;
export type Lease = z.infer<typeof lease>;
export type EndpointSlice = z.infer<typeof endpointSlice>;
export type SliceEndpoint = z.infer<typeof endpoint>;

export interface KubernetesObject {
  readonly metadata: ObjectMeta;
}

/** A kind of namespaced object, and what it must look like to be used. */
export interface Resource<Kind extends KubernetesObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly schema: z.ZodType<Kind>;
}

export const LEASES: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  schema: lease,
};

export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  plural: "endpointslices",
  kind: "EndpointSlice",
  schema: endpointSlice,
};

/** meta/v1 Status: what the API server answers instead of an object. */
export const statusSchema = z.looseObject({
  kind: z.literal("Status"),
  message: z.string().nullish(),
  reason: z.string().nullish(),
  code: z.int().nullish(),
});
export type Status = z.infer<typeof statusSchema>;

export const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});
