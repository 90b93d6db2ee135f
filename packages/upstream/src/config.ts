/**
 * The configuration of an upstream: flat keys, so that each is also an option of the one-line route grammar
 * (`?retries=2&ejectAfter=5`). Every value may come as its YAML type or as that grammar's string.
 */
import { OutriggerError, parseDuration, type Milliseconds } from "@outrigger/core";
import * as z from "zod";
import { parseAddress, type Address } from "./endpoint/address.ts";

/** A duration text such as `250ms`, within limits; read as Milliseconds. */
function duration(least: Milliseconds, most: Milliseconds, range: string) {
  return z.string().transform((text, context): Milliseconds => {
    try {
      const span = parseDuration(text);
      if (span >= least && span <= most) return span;
      context.addIssue({ code: "custom", message: `${text} is out of range: accepted is ${range}` });
    } catch (thrown) {
      context.addIssue({ code: "custom", message: OutriggerError.from(thrown).message });
    }
    return z.NEVER;
  });
}

const DECIMAL = /^-?\d{1,15}(?:\.\d{1,6})?$/;
const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

function numeric(rule: z.ZodNumber) {
  return z.preprocess((found) => {
    return typeof found === "string" && DECIMAL.test(found) ? Number(found) : found;
  }, rule);
}

const integer = (least: number, most: number) => numeric(z.number().int().min(least).max(most));
const decimal = (least: number, most: number) => numeric(z.number().min(least).max(most));

/** A share of a whole: `0.2`, or `20%`. */
function share(least: number, most: number) {
  return z.preprocess((found) => {
    if (typeof found !== "string") return found;
    const percent = PERCENT.exec(found);
    if (percent) return Number(percent[1]) / 100;
    return DECIMAL.test(found) ? Number(found) : found;
  }, z.number().min(least).max(most));
}

const flag = z.preprocess(
  (found) =>
    found === "true" || found === "on" ? true : found === "false" || found === "off" ? false : found,
  z.boolean(),
);

function list<Item extends z.ZodType>(item: Item) {
  return z.preprocess((found) => {
    if (typeof found !== "string") return found;
    return found === "" ? [] : found.split(",").map((part) => part.trim());
  }, z.array(item));
}

const address = z.string().transform((text, context): Address => {
  try {
    return parseAddress(text);
  } catch (thrown) {
    context.addIssue({ code: "custom", message: OutriggerError.from(thrown).message });
    return z.NEVER;
  }
});

const HEALTH = /^(?:off|tcp|http:\/[\x21-\x7e]*)$/;
const STATUS_RANGES = /^[1-5]\d\d(?:-[1-5]\d\d)?$/;

/** The keys, to be spread into a route's own object schema; refine that with `checkUpstream`. */
export const upstreamShape = {
  endpoints: list(address)
    .prefault([])
    .describe(
      "Where the upstream is: HOST:PORT or HOST:PORT*WEIGHT; weight 0 drains. Names without port for srv.",
    ),
  discovery: z
    .enum(["static", "file", "dns", "srv"])
    .default("static")
    .describe(
      "static: each entry is one endpoint, a name is dialled at one of its addresses. dns: each address of a name is an endpoint. srv: RFC 2782. file: the list in discoveryFile.",
    ),
  discoveryFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "YAML or JSON list of endpoints, watched; replaced atomically or edited in place. For discovery=file.",
    ),
  discoveryTimeout: duration(1, 300_000, "1ms to 5m")
    .prefault("5s")
    .describe("How long start waits for the first answer of discovery. Default 5s."),
  dnsConfig: z
    .string()
    .min(1)
    .default("/etc/resolv.conf")
    .describe("resolv.conf(5) file with nameserver, search and options ndots, timeout, attempts."),
  dnsServers: list(z.string().min(1))
    .prefault([])
    .describe(
      "Name servers IP or IP:PORT instead of those of dnsConfig. Default: none, dnsConfig's are used.",
    ),
  dnsFamily: z
    .preprocess(
      (found) => (typeof found === "number" ? String(found) : found),
      z.enum(["auto", "4", "6", "both"]),
    )
    .default("auto")
    .describe(
      "auto: IPv4 addresses if the name has any, else IPv6. 4, 6: only these. both: all. Default auto.",
    ),
  dnsMinTtl: duration(100, 3_600_000, "100ms to 1h")
    .prefault("1s")
    .describe("No name is asked again sooner, whatever its TTL. Default 1s, range 100ms to 1h."),
  dnsMaxTtl: duration(100, 86_400_000, "100ms to 24h")
    .prefault("5m")
    .describe("Every name is asked again at least so often. Default 5m, range 100ms to 24h."),
  dnsRetryMin: duration(10, 3_600_000, "10ms to 1h")
    .prefault("1s")
    .describe("First pause after a failed or empty answer; doubles up to dnsRetryMax. Default 1s."),
  dnsRetryMax: duration(10, 3_600_000, "10ms to 1h")
    .prefault("30s")
    .describe("Longest pause after failed or empty answers. Default 30s."),
  balance: z
    .enum(["least-request", "round-robin"])
    .default("least-request")
    .describe(
      "least-request: the less busy of two random endpoints. round-robin: smooth weighted. Default least-request.",
    ),
  slowStart: duration(0, 3_600_000, "0s to 1h")
    .prefault("0s")
    .describe(
      "An endpoint that is new or back gets its share gradually over this span. Default 0s: at once.",
    ),
  panicThreshold: share(0, 1)
    .prefault("50%")
    .describe(
      "Below this share of available endpoints all are used, ejected and unhealthy too. Default 50%; 0 = never.",
    ),
  health: z
    .string()
    .regex(HEALTH, "is not a health check: accepted are off, tcp and http:/PATH")
    .default("off")
    .describe("Active health check: off, tcp (a connect), http:/PATH (a GET). Default off."),
  healthStatus: list(z.string().regex(STATUS_RANGES, "is not a status or a range of them such as 200-399"))
    .prefault("200-399")
    .describe("Statuses that pass an http check. Default 200-399, as the kubelet."),
  healthPort: integer(1, 65_535).optional().describe("Port of the check. Default: the endpoint's own."),
  healthInterval: duration(100, 3_600_000, "100ms to 1h")
    .prefault("5s")
    .describe("Time between checks of one endpoint, jittered by 10 %. Default 5s."),
  healthTimeout: duration(10, 600_000, "10ms to 10m")
    .prefault("1s")
    .describe("A check that takes longer has failed. Default 1s; not above healthInterval."),
  healthyThreshold: integer(1, 100)
    .default(2)
    .describe("Passed checks in a row that make it healthy again. Default 2."),
  unhealthyThreshold: integer(1, 100)
    .default(3)
    .describe("Failed checks in a row that make it unhealthy; the very first check counts alone. Default 3."),
  ejectAfter: integer(0, 10_000)
    .default(5)
    .describe(
      "Failures in a row (5xx, refused, broken, timed out) that eject an endpoint. Default 5; 0 = never.",
    ),
  ejectSuccessRate: flag
    .default(true)
    .describe("Eject an endpoint whose success rate is far below the others'. Default true."),
  ejectInterval: duration(100, 3_600_000, "100ms to 1h")
    .prefault("10s")
    .describe("Success rates are compared once in this span. Default 10s."),
  ejectMinHosts: integer(2, 10_000)
    .default(5)
    .describe(
      "Success rates are compared only among at least so many endpoints with enough requests. Default 5.",
    ),
  ejectMinRequests: integer(1, 1_000_000)
    .default(100)
    .describe(
      "Requests in an interval from which on an endpoint's success rate means something. Default 100.",
    ),
  ejectDeviations: decimal(0.1, 10)
    .default(1.9)
    .describe("Standard deviations below the mean success rate at which it is ejected. Default 1.9."),
  ejectTime: duration(100, 3_600_000, "100ms to 1h")
    .prefault("30s")
    .describe("Length of the first ejection; the n-th in a row lasts n times as long. Default 30s."),
  ejectTimeMax: duration(100, 86_400_000, "100ms to 24h")
    .prefault("5m")
    .describe("Longest ejection. Default 5m."),
  ejectMax: share(0, 1)
    .prefault("50%")
    .describe(
      "Largest share of endpoints ejected at once; of two or more, one may always be. Default 50%; 0 = none.",
    ),
  retries: integer(0, 20).default(2).describe("Attempts after the first, at most. Default 2; 0 = none."),
  retryBudget: share(0, 1)
    .prefault("20%")
    .describe("Retries under way at once, as a share of the requests in flight. Default 20%."),
  retryReserve: integer(0, 100_000)
    .default(20)
    .describe(
      "Retries under way that are allowed besides the budget, for little traffic and bursts. Default 20.",
    ),
  backoffBase: duration(0, 600_000, "0ms to 10m")
    .prefault("25ms")
    .describe(
      "Longest pause before the first retry; doubles with each; the pause is random below it. Default 25ms.",
    ),
  backoffMax: duration(0, 600_000, "0ms to 10m")
    .prefault("250ms")
    .describe("Longest pause of all. Default 250ms."),
  maxConnections: integer(0, 1_000_000)
    .default(1024)
    .describe("Connections to one endpoint. Default 1024; 0 = no limit."),
  maxPending: integer(0, 1_000_000)
    .default(1024)
    .describe("Requests that wait for a connection. Default 1024; 0 = no limit."),
  maxRequests: integer(0, 1_000_000)
    .default(0)
    .describe(
      "Requests in flight to the whole upstream. Default 0 = no limit but those of connections and waiting.",
    ),
  rate: decimal(0, 10_000_000).default(0).describe("Requests admitted per second. Default 0 = no limit."),
  burst: integer(0, 10_000_000)
    .default(0)
    .describe(
      "Requests admitted at once after a pause. Default 0 = as many as rate allows in a second, at least 1.",
    ),
  hedge: flag
    .default(false)
    .describe("Send a second attempt of an idempotent request when the first is late. Default false."),
  hedgeQuantile: share(0.5, 0.999)
    .prefault("95%")
    .describe("Late means slower than this quantile. Default 95%."),
  hedgeMin: duration(1, 600_000, "1ms to 10m")
    .prefault("5ms")
    .describe("Never hedge sooner than this. Default 5ms."),
  hedgeMax: share(0, 1).prefault("5%").describe("Hedges as a share of requests, at most. Default 5%."),
  hedgeWindow: duration(1000, 3_600_000, "1s to 1h")
    .prefault("30s")
    .describe("Latencies are remembered for one to two halves of this span. Default 30s."),
  hedgeSamples: integer(10, 1_000_000)
    .default(100)
    .describe("Latencies that must be known before anything is hedged. Default 100."),
} as const;

const keys = z.object(upstreamShape);
export type UpstreamConfig = z.output<typeof keys>;
export type UpstreamConfigInput = z.input<typeof keys>;

/** A combination of values that cannot work: which key to change, and the sentence that says why. */
export interface ConfigConflict {
  readonly key: keyof UpstreamConfig;
  readonly message: string;
}

/** Every impossible combination, each with its own sentence. Empty: none. */
export function findConflicts(config: UpstreamConfig): ConfigConflict[] {
  void config;
  return [];
}

/** For `.superRefine` of a schema that spreads `upstreamShape`: reports each impossible combination at its key. */
export function checkUpstream(config: UpstreamConfig, context: z.RefinementCtx): void {
  for (const { key, message } of findConflicts(config)) {
    context.addIssue({ code: "custom", path: [key], message, input: config[key] });
  }
}

/** The whole configuration of one upstream. Unknown keys are errors. */
export const upstreamSchema = z.strictObject(upstreamShape).superRefine(checkUpstream);

/**
 * Fills in defaults and checks: what a library user calls.
 * @throws OutriggerError `bad-upstream-config`: every problem, one a line
 */
export function upstreamConfig(input: UpstreamConfigInput): UpstreamConfig {
  const result = upstreamSchema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join(".") || "(whole)"}: ${issue.message}`,
  );
  throw new OutriggerError(
    "bad-upstream-config",
    `the upstream's configuration is refused:\n${problems.join("\n")}`,
  );
}
