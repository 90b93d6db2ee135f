/** What an elector is told: its elections, and for each where the lease stands, how long it lasts, and what follows from it. */
import {
  durationOption,
  filePathSchema,
  formatDuration,
  hostPortSchema,
  OutriggerError,
  type Milliseconds,
} from "@outrigger/core";
import { z } from "zod";
import { commandOption } from "./command-words.ts";
import { checkTiming, DEFAULT_TIMING } from "./election/timing.ts";
import { storeOption } from "./store-option.ts";

const DAY: Milliseconds = 86_400_000;
const span = (fallback: Milliseconds, what: string, min: Milliseconds = 0) =>
  durationOption({ min, max: DAY })
    .prefault(fallback === 0 ? "0s" : formatDuration(fallback))
    .describe(what);

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
      "Where the lease stands: the same for all candidates. auto: kubernetes in a cluster; elsewhere it must be said. memory: for candidates of one process.",
    ),
  passwordFile: filePathSchema
    .optional()
    .describe("File with the password of a redis:// store; read again at each connection."),
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
  child: commandOption()
    .optional()
    .describe("A process that runs only while this replica leads; in an image built FROM this one."),
  childRestart: z
    .enum(["always", "never"])
    .prefault("always")
    .describe(
      "When the child ends by itself: always starts it again, with back-off; never gives leadership up.",
    ),
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

export const electionSchema = z
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
