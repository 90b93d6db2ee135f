/** What a work queue is told: where callers come in, where the workload is, where jobs are kept, and how often each is tried. */
import { booleanOption, durationOption, filePathSchema, hostPortSchema, intOption, listOption, OutriggerError, sizeOption, } from "@outrigger/core";
import * as z from "zod";
import { backendOption } from "./backend-option.js";
import { blobsOption } from "./blobs-option.js";
import { rateOption } from "./rate-option.js";
import { readyOption } from "./ready-option.js";
import { rulesOption } from "./rules-option.js";
import { schedulesOption } from "./schedules-option.js";
import { concurrencyOption } from "./concurrency-option.js";
import { problemsOfFiles, workloadOption } from "./workload-option.js";
import { problemOfTarget } from "../webhooks/target.js";
const webhookSchema = z.string().superRefine((text, context) => {
    const message = problemOfTarget(text);
    if (message !== null)
        context.addIssue({ code: "custom", message });
});
export const workQueueSchema = z
    .strictObject({
    role: z
        .enum(["front", "worker", "both"])
        .prefault("both")
        .describe("front: takes requests in. worker: gives them to the workload. both: in one container."),
    listen: hostPortSchema
        .prefault(8080)
        .describe("PORT or HOST:PORT for callers, of role front. Without a host: every address of the pod."),
    workload: workloadOption
        .prefault("http://127.0.0.1:3000")
        .describe("The workload; files:/FOLDER: a program that reads files, in a folder that the worker and it share."),
    backend: backendOption.describe("Where jobs are kept."),
    passwordFile: filePathSchema
        .optional()
        .describe("File with the password of the Redis or Postgres; read again at each connection."),
    caFile: filePathSchema
        .optional()
        .describe("PEM file of the authorities to trust: for rediss:// instead of those that Node ships, for postgres:// with TLS required."),
    allowLoss: listOption({ max: 2 })
        .pipe(z.array(z.enum(["no-aof", "eviction"])))
        .prefault([])
        .describe("What a Redis may lack: no-aof loses all jobs when it ends, eviction some when its memory is full."),
    scaler: hostPortSchema
        .optional()
        .describe("PORT or HOST:PORT of an external scaler for KEDA (gRPC), of role front. Without a host: every address of the pod."),
    queue: z
        .string()
        .regex(/^[A-Za-z0-9][\w.-]{0,126}$/, {
        error: "accepted: letters, digits, '.', '_' and '-', at most 127",
    })
        .prefault("requests")
        .describe("The queue's name: the same for front and workers."),
    concurrency: concurrencyOption
        .prefault(4)
        .describe("Jobs that one worker runs at once. adaptive: as many as make the workload's answers no slower, learnt from their times."),
    maxConcurrency: intOption({ min: 1, max: 10_000 })
        .prefault(1_000)
        .describe("The most that adaptive comes to."),
    rate: rateOption
        .optional()
        .describe("How many jobs all workers together begin in which time; the same for all of them."),
    rules: rulesOption
        .prefault([])
        .describe("Which requests pass straight to the workload, and what their path says of the others' jobs; the first that fits counts, and one that none fits is a job."),
    schedules: schedulesOption
        .prefault([])
        .describe("Requests that nobody sends, at their times: of fronts, the same for all of them; each becomes a job."),
    ready: readyOption
        .prefault("tcp")
        .describe("When the workload is given jobs: when it accepts connections (tcp), or answers a path with 2xx or 3xx, asked each second."),
    board: booleanOption()
        .prefault(false)
        .describe("Bull Board on the control server, at /board: jobs by state, without anything that a caller or the workload said, and nothing can be changed."),
    drainAndExit: booleanOption()
        .prefault(false)
        .describe("Of role worker: ends with exit code 0 when no job waits or runs, or is due within maxBackoff; for a Kubernetes Job."),
    attempts: intOption({ min: 1, max: 1_000 }).prefault(5).describe("How often a job is tried."),
    backoff: durationOption({ min: 1 })
        .prefault("1s")
        .describe("Most of the pause before the second attempt, doubled with each further one; the pause is drawn from zero up."),
    maxBackoff: durationOption({ min: 1 }).prefault("1m").describe("The longest pause between attempts."),
    timeout: durationOption({ min: 1 })
        .prefault("15m")
        .describe("Of one attempt, until its answer is whole."),
    lockDuration: durationOption({ min: 1_000 })
        .prefault("30s")
        .describe("A job whose worker has been silent for so long is given to another within as long again."),
    storeTimeout: durationOption({ min: 1 })
        .prefault("5s")
        .describe("How long keeping a job may take until its caller is told 503."),
    blobs: blobsOption
        .prefault("backend")
        .describe("Where bodies above 64 KiB are kept. folder:PATH: on a volume that front and workers all mount; a folder that is not the others' is refused."),
    maxBody: sizeOption({ min: 0 })
        .prefault("16MiB")
        .describe("The largest body that is taken; a larger one is answered 413."),
    maxAnswer: sizeOption({ min: 0 })
        .prefault("16MiB")
        .describe("The largest answer of the workload that is kept; with a larger one the job fails: answer."),
    maxBytes: sizeOption({ min: 0 })
        .prefault("1GiB")
        .describe("Bytes of bodies above 64 KiB, of all jobs; a further one is answered 429. Counted every ten seconds."),
    maxDepth: intOption({ min: 1 })
        .prefault(100_000)
        .describe("Jobs that may wait and run; a request beyond it is answered 429. Counted about once a second."),
    keepAnswers: durationOption({ min: 1_000 })
        .prefault("1h")
        .describe("How long a finished job and its answer can be asked for."),
    idempotencyWindow: durationOption({ min: 1_000 })
        .prefault("1h")
        .describe("How long a request with the Idempotency-Key of an earlier one is that one; at most keepAnswers."),
    webhooks: listOption({ max: 16 })
        .pipe(z.array(webhookSchema))
        .prefault([])
        .describe("URLs that are told by POST, signed, of each job that has ended. For front and workers alike."),
    webhookSecretFile: filePathSchema
        .optional()
        .describe("File with the key of Outrigger-Signature, an HMAC-SHA256; read again for each call."),
    webhookCaFile: filePathSchema
        .optional()
        .describe("PEM file of the authorities to trust for https:// webhooks. Default: those that Node ships."),
})
    .superRefine((config, context) => {
    const { idempotencyWindow, keepAnswers, backend, passwordFile, caFile } = config;
    const { role, scaler, schedules, webhooks, webhookSecretFile, drainAndExit } = config;
    if (drainAndExit && role !== "worker")
        context.addIssue({
            code: "custom",
            path: ["drainAndExit"],
            message: "a front would turn callers away when it ends: only role worker can",
        });
    for (const issue of problemsOfFiles(config))
        context.addIssue({ code: "custom", ...issue });
    if (schedules.length > 0 && role === "worker")
        context.addIssue({
            code: "custom",
            path: ["schedules"],
            message: "workers may come and go: give them to the front (role front or both)",
        });
    if (webhooks.length > 0 && webhookSecretFile === undefined)
        context.addIssue({
            code: "custom",
            path: ["webhookSecretFile"],
            message: "whoever is told must know that it is us: name a file with a key to sign with",
        });
    if (scaler !== undefined && role === "worker")
        context.addIssue({
            code: "custom",
            path: ["scaler"],
            message: "workers that scale to zero cannot ask for themselves: give it to the front (role front or both)",
        });
    const isServer = backend.kind !== "embedded";
    for (const [key, file] of Object.entries({ passwordFile, caFile }))
        if (file !== undefined && !isServer)
            context.addIssue({
                code: "custom",
                path: [key],
                message: "only redis:// and postgres:// have one: remove it, or say which server",
            });
    if (caFile !== undefined && backend.kind === "postgres" && /[?&]ssl/.test(backend.url))
        context.addIssue({
            code: "custom",
            path: ["caFile"],
            message: "the backend's URL says something else of TLS (ssl...): one of them",
        });
    if (idempotencyWindow > keepAnswers)
        context.addIssue({
            code: "custom",
            path: ["idempotencyWindow"],
            message: "an earlier request is known as long as its answer is kept: make it at most keepAnswers",
        });
});
/**
 * Reads a config as a developer writes it.
 * @throws OutriggerError `bad-config`, with every problem in its message
 */
export function parseWorkQueueConfig(input) {
    const parsed = workQueueSchema.safeParse(input);
    if (parsed.success)
        return parsed.data;
    throw new OutriggerError("bad-config", z.prettifyError(parsed.error), { cause: parsed.error });
}
//# sourceMappingURL=config.js.map