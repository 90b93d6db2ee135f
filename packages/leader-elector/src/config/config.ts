/** What an elector is told: its elections, and for each where the lease stands, how long it lasts, and what follows from it. */
import {
  durationOption,
  filePathSchema,
  formatDuration,
  hostPortSchema,
  intOption,
  listOption,
  OutriggerError,
  type Milliseconds,
} from "@outrigger/core";
import * as z from "zod";
import { commandOption } from "./command-words.ts";
import { parseWebhookUrl } from "../duty/webhook-url.ts";
import { checkTiming, DEFAULT_TIMING } from "../election/timing.ts";
import { parseHealthCheck } from "../health/workload-health.ts";
import { portOption } from "./port-option.ts";
import { parseServicePort } from "./service-port.ts";
import { storeOption } from "./store-option.ts";

const DAY: Milliseconds = 86_400_000;
const span = (fallback: Milliseconds, what: string, min: Milliseconds = 0) =>
  durationOption({ min, max: DAY })
    .prefault(fallback === 0 ? "0s" : formatDuration(fallback))
    .describe(what);

/** What its parser accepts, as it was written. */
const checked = (parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: OutriggerError.from(thrown).message });
    }
  });

const objectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, { error: "accepted: the name of an object in a cluster" });

const SIGNALS = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGTERM",
  "SIGCONT",
  "SIGSTOP",
  "SIGWINCH",
] as const;
const signalName = (fallback: (typeof SIGNALS)[number]) => z.enum(SIGNALS).prefault(fallback);

const PORT_LIMITS = {
  connectTimeout: span(2_000, "Until the workload, or the leader, accepts.", 1),
  stallTimeout: span(300_000, "How long nothing may move in a request, either way.", 1),
  retryFor: span(2_000, "How long a request that did not reach the leader waits for another one."),
};

const ELECTION_NAME = /^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/;

const electionShape = {
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,253}$/, { error: "accepted: 1 to 253 visible ASCII characters" })
    .optional()
    .describe(
      "This candidate's name, unlike any other's. Default: the pod's name and uid in a cluster, else the host's name and a random part.",
    ),
  store: storeOption
    .prefault("auto")
    .describe(
      "Where the lease stands: the same for all candidates. auto: kubernetes in a cluster; elsewhere it must be said. memory: this process alone; its electors share one where each is given it (deps.memory).",
    ),
  passwordFile: filePathSchema
    .optional()
    .describe("File with the password of a redis:// store; read again at each connection."),
  storeCaFile: filePathSchema
    .optional()
    .describe("PEM file of the authorities to trust for rediss://. Default: those that Node ships."),
  namespace: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: "accepted: the name of a namespace" })
    .optional()
    .describe("Of the Lease and the Service. Default: the service account's, or the kubeconfig's."),
  leaseDuration: span(
    DEFAULT_TIMING.leaseDuration,
    "How long a lease must stand unchanged before another takes it; whole seconds.",
  ),
  renewDeadline: span(
    DEFAULT_TIMING.renewDeadline,
    "How long a leader believes in it after it sent a renewal.",
  ),
  retryPeriod: span(
    DEFAULT_TIMING.retryPeriod,
    "Between renewals, and between looks of those who do not lead.",
  ),
  campaign: z
    .enum(["auto", "on-request"])
    .prefault("auto")
    .describe("auto: it wants to lead, always. on-request: only after POST /becomeLeader."),
  requireRenewal: durationOption({ min: 100, max: DAY })
    .optional()
    .describe("It resigns when the workload has not sent POST /renewLeadership for so long. Default: never."),
  releaseTimeout: span(
    10_000,
    "How long the work may take to stop before it is cut, when leadership is given up.",
  ),
  releaseDelay: span(0, "The lease is kept for so long after the work has stopped, for workloads that poll."),
  address: z
    .string()
    .regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):\d{1,5}$/, {
      error: "accepted: HOST:PORT or [IPV6]:PORT",
    })
    .optional()
    .describe(
      "Where others reach this replica's forward port. Default: POD_IP, or this machine's address, with that port.",
    ),
  health: checked(parseHealthCheck)
    .optional()
    .describe(
      "tcp:PORT or http:PORT/PATH of the workload at localhost: a sick workload does not lead. Default: not asked.",
    ),
  healthInterval: span(2_000, "Between checks.", 10),
  healthTimeout: span(1_000, "Of one check.", 10),
  healthyThreshold: intOption({ min: 1, max: 1_000 })
    .prefault(2)
    .describe("Passes in a row until a sick workload is well; the first check counts alone."),
  unhealthyThreshold: intOption({ min: 1, max: 1_000 })
    .prefault(3)
    .describe("Failures in a row until a well workload is sick."),
  webhooks: listOption({ max: 16 })
    .pipe(z.array(checked(parseWebhookUrl)))
    .prefault([])
    .describe(
      "URLs that are told by POST when leadership begins and ends. One that fails at the beginning ends it.",
    ),
  webhookSecretFile: filePathSchema
    .optional()
    .describe("File with the key of X-Outrigger-Signature, an HMAC-SHA256 of the body. Default: none."),
  webhookCaFile: filePathSchema
    .optional()
    .describe("PEM file of the authorities to trust for https:// webhooks. Default: those that Node ships."),
  onAcquired: commandOption()
    .optional()
    .describe("Runs when leadership begins; one that fails ends it. In an image built FROM this one."),
  onEnded: commandOption().optional().describe("Runs when leadership has ended."),
  hookTimeout: span(5_000, "Of each webhook, hook command, and search for the process to signal.", 10),
  signalProcess: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, { error: "accepted: a process' name, or pidfile:PATH" })
    .optional()
    .describe(
      "A process that is told by a signal: its name, or pidfile:PATH. Needs shareProcessNamespace, or an image built FROM this one.",
    ),
  signalAcquired: signalName("SIGUSR1").describe("Sent to it when leadership begins."),
  signalEnded: signalName("SIGUSR2").describe("Sent to it when leadership ends."),
  child: commandOption()
    .optional()
    .describe("A process that runs only while this replica leads. In an image built FROM this one."),
  childRestart: z
    .enum(["always", "never"])
    .prefault("always")
    .describe(
      "When the child ends by itself: always starts it again, with back-off; never gives leadership up.",
    ),
  gate: portOption("tcp", z.strictObject({ connectTimeout: PORT_LIMITS.connectTimeout }))
    .optional()
    .describe(
      "A port of the pod that is open only on the leader, before a port of the workload; any protocol.",
    ),
  forward: portOption("http", z.strictObject(PORT_LIMITS))
    .optional()
    .describe("A port of the pod that reaches the leader's workload from any replica; HTTP and WebSocket."),
  service: objectName
    .optional()
    .describe(
      "A Service without selector, whose traffic goes to the leader: this replica writes its EndpointSlice. Needs POD_IP.",
    ),
  servicePorts: listOption({ max: 100 })
    .pipe(z.array(checked(parseServicePort)))
    .prefault([])
    .describe(
      "Of that Service: NAME=PORT, or PORT where it has no name; the pod's port, with /UDP where it is that.",
    ),
  slice: objectName.optional().describe("The EndpointSlice's name. Default: the Service's with -leader."),
} as const;

function checkElection(
  election: z.output<z.ZodObject<typeof electionShape>>,
  context: z.RefinementCtx,
): void {
  try {
    checkTiming(election);
  } catch (thrown) {
    const { code, message } = OutriggerError.from(thrown);
    if (code !== "bad-timing") throw thrown;
    for (const line of message.split("\n")) {
      const [key] = /^\w+/.exec(line) ?? [];
      context.addIssue({ code: "custom", path: [key ?? "leaseDuration"], message: line });
    }
  }
  if (election.service !== undefined && election.servicePorts.length === 0)
    context.addIssue({
      code: "custom",
      path: ["servicePorts"],
      message: "a Service's EndpointSlice has ports: say which, for example --service-ports http=8080",
    });
  if (election.service === undefined && (election.slice !== undefined || election.servicePorts.length > 0))
    context.addIssue({
      code: "custom",
      path: ["service"],
      message: "slice and servicePorts are of a Service: say which",
    });
  if (election.passwordFile !== undefined && election.store.kind !== "redis")
    context.addIssue({
      code: "custom",
      path: ["passwordFile"],
      message: "only a redis:// store has a password: remove it, or say which store",
    });
}

const electionName = z
  .string({ error: "accepted: the name of an election" })
  .regex(ELECTION_NAME, { error: "accepted: lower case letters, digits, '-' and '.', at most 128" })
  .describe("What is led, and the Lease's name: the same for all its candidates.");

const electionSchema = z
  .strictObject({ election: electionName, ...electionShape })
  .superRefine(checkElection);

export const leaderElectorSchema = z
  .strictObject({
    election: electionName
      .optional()
      .describe(`${electionName.description} The keys beside it are of this one.`),
    ...electionShape,
    elections: z
      .array(electionSchema)
      .prefault([])
      .describe("Further elections, each with the keys of the first and their defaults."),
    http: hostPortSchema
      .prefault(4040)
      .describe("PORT or HOST:PORT of the HTTP API. Without a host: 127.0.0.1 and ::1."),
  })
  .superRefine((config, context) => {
    if (config.election !== undefined) checkElection(config, context);
    else if (config.elections.length === 0)
      context.addIssue({
        code: "custom",
        path: ["election"],
        message: "an elector needs one, for example --election my-service",
      });
    const names = new Map<string, number>();
    if (config.election !== undefined) names.set(config.election, -1);
    for (const [index, { election }] of config.elections.entries()) {
      const other = names.get(election);
      if (other !== undefined)
        context.addIssue({
          code: "custom",
          path: ["elections", index, "election"],
          message: `${JSON.stringify(election)} is the name of ${other === -1 ? "the first election" : `elections[${other}]`}, too: give one of them another`,
        });
      names.set(election, index);
    }
  });

export type ElectionConfig = z.output<typeof electionSchema>;
export type LeaderElectorConfig = z.output<typeof leaderElectorSchema>;
export type LeaderElectorInput = z.input<typeof leaderElectorSchema>;

/** The election of the top-level keys, where there is one, and the others. */
export function electionsOf(config: LeaderElectorConfig): readonly ElectionConfig[] {
  const { election, elections, http: _http, ...keys } = config;
  return election === undefined ? elections : [electionOnly({ ...keys, election }), ...elections];
}

/** A container's configuration has its own keys beside these. */
function electionOnly(config: ElectionConfig): ElectionConfig {
  const keys = ["election", ...Object.keys(electionShape)] as (keyof ElectionConfig)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as unknown as ElectionConfig;
}

/**
 * Reads a config as a developer writes it.
 * @throws OutriggerError `bad-config`, with every problem in its message
 */
export function parseLeaderElectorConfig(input: LeaderElectorInput): LeaderElectorConfig {
  const parsed = leaderElectorSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new OutriggerError("bad-config", z.prettifyError(parsed.error), { cause: parsed.error });
}
