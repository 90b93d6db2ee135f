import * as z from "zod";
export declare const workQueueSchema: z.ZodObject<{
    role: z.ZodPrefault<z.ZodEnum<{
        both: "both";
        front: "front";
        worker: "worker";
    }>>;
    listen: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodCustom<import("@outrigger/core").HostPort, import("@outrigger/core").HostPort>>>;
    workload: z.ZodPrefault<z.ZodString>;
    backend: z.ZodCodec<z.ZodString, z.ZodCustom<import("./backend-option.ts").BackendAddress, import("./backend-option.ts").BackendAddress>>;
    passwordFile: z.ZodOptional<z.ZodString>;
    caFile: z.ZodOptional<z.ZodString>;
    allowLoss: z.ZodPrefault<z.ZodPipe<z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>>, z.ZodString]>, z.ZodArray<z.ZodString>>, z.ZodArray<z.ZodEnum<{
        eviction: "eviction";
        "no-aof": "no-aof";
    }>>>>;
    scaler: z.ZodOptional<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodCustom<import("@outrigger/core").HostPort, import("@outrigger/core").HostPort>>>;
    queue: z.ZodPrefault<z.ZodString>;
    concurrency: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodUnion<readonly [z.ZodNumber, z.ZodLiteral<"adaptive">]>>>;
    maxConcurrency: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    rate: z.ZodOptional<z.ZodCodec<z.ZodString, z.ZodCustom<import("./rate-option.ts").Rate, import("./rate-option.ts").Rate>>>;
    rules: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodString>, z.ZodString]>, z.ZodCustom<import("./rules-option.ts").Rule[], import("./rules-option.ts").Rule[]>>>;
    schedules: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodString>, z.ZodString]>, z.ZodCustom<import("./schedules-option.ts").Schedule[], import("./schedules-option.ts").Schedule[]>>>;
    ready: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodCustom<string | null, string | null>>>;
    board: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
        false: "false";
        true: "true";
    }>]>, z.ZodBoolean>>;
    drainAndExit: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
        false: "false";
        true: "true";
    }>]>, z.ZodBoolean>>;
    attempts: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    backoff: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    maxBackoff: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    timeout: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    lockDuration: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    storeTimeout: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    blobs: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodCustom<import("./blobs-option.ts").BlobsAddress, import("./blobs-option.ts").BlobsAddress>>>;
    maxBody: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    maxAnswer: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    maxBytes: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    maxDepth: z.ZodPrefault<z.ZodCodec<z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>, z.ZodNumber>>;
    keepAnswers: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    idempotencyWindow: z.ZodPrefault<z.ZodCodec<z.ZodString, z.ZodNumber>>;
    webhooks: z.ZodPrefault<z.ZodPipe<z.ZodCodec<z.ZodUnion<readonly [z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>>, z.ZodString]>, z.ZodArray<z.ZodString>>, z.ZodArray<z.ZodString>>>;
    webhookSecretFile: z.ZodOptional<z.ZodString>;
    webhookCaFile: z.ZodOptional<z.ZodString>;
}, z.core.$strict>;
export type WorkQueueConfig = z.output<typeof workQueueSchema>;
export type WorkQueueInput = z.input<typeof workQueueSchema>;
/**
 * Reads a config as a developer writes it.
 * @throws OutriggerError `bad-config`, with every problem in its message
 */
export declare function parseWorkQueueConfig(input: WorkQueueInput): WorkQueueConfig;
//# sourceMappingURL=config.d.ts.map