/**
 * The configuration of an upstream: flat keys, so that each is also an option of the one-line route grammar
 * (`?retries=2&ejectAfter=5`). Every value may come as its YAML type or as that grammar's string.
 */
import {
  booleanOption,
  durationOption,
  filePathSchema,
  formatDuration,
  intOption,
  listOption,
  numberOption,
  OutriggerError,
} from "@outrigger/core";
import * as z from "zod";
import { needsNoResolver } from "./discovery/lookups.ts";
import { parseServiceName } from "./discovery/slice-addresses.ts";
import { isServer } from "./discovery/resolv-conf.ts";
import { formatAddress, parseAddress, type Address } from "./endpoint/address.ts";

const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;
const DECIMAL = /^\d{1,3}(?:\.\d{1,6})?$/;

/** A share of a whole: `0.2`, or `20%`. */
function shareOption(least: number, most: number) {
  const accepts = `a share from ${least * 100}% to ${most * 100}%, as a percentage or a number up to 1`;
  return z
    .codec(z.union([z.number(), z.string()], { error: `accepted: ${accepts}` }), z.number(), {
      decode(input, context) {
        const percent = typeof input === "string" ? PERCENT.exec(input) : null;
        const value = percent
          ? Number(percent[1]) / 100
          : typeof input === "number" || DECIMAL.test(input)
            ? Number(input)
            : NaN;
        if (value >= least && value <= most) return value;
        context.issues.push({ code: "custom", input, message: `accepted: ${accepts}, for example 20%` });
        return z.NEVER;
      },
      encode: (value) => `${Math.round(value * 1e5) / 1e3}%`,
    })
    .meta({ accepts });
}

const ENDPOINT = "HOST:PORT or HOST:PORT*WEIGHT";

const endpointOption = z
  .codec(z.string({ error: `accepted: ${ENDPOINT}` }), z.custom<Address>(), {
    decode(input, context) {
      try {
        return parseAddress(input, true);
      } catch (thrown) {
        context.issues.push({ code: "custom", input, message: OutriggerError.from(thrown).message });
        return z.NEVER;
      }
    },
    encode: formatAddress,
  })
  .meta({ accepts: ENDPOINT });

const familyOption = z.codec(
  z.union([z.number(), z.string()], { error: "accepted: auto, 4, 6, both" }),
  z.enum(["auto", "4", "6", "both"], { error: "accepted: auto, 4, 6, both" }),
  { decode: (input) => String(input) as "auto", encode: (value) => value },
);

/** Accepts only texts of a form; `accepts` is the noun phrase that errors and the manual show. */
function textOption(form: RegExp, accepts: string) {
  return z
    .string({ error: `accepted: ${accepts}` })
    .regex(form, { error: `accepted: ${accepts}` })
    .meta({ accepts });
}

const HEALTH = /^(?:off|tcp|http:\/[\x21-\x7e]*)$/;
const STATUS_RANGE = /^[1-5]\d\d(?:-[1-5]\d\d)?$/;

/** The keys, to be spread into a route's own object schema; refine that with `checkUpstream`. */
export const upstreamShape = {
  endpoints: listOption()
    .pipe(z.array(endpointOption))
    .prefault([])
    .describe(
      "Where the upstream is: HOST:PORT or HOST:PORT*WEIGHT; weight 0 drains. Names without port for srv. SERVICE[.NAMESPACE]:PORT for kubernetes, PORT a name or a number.",
    ),
  discovery: z
    .enum(["static", "file", "dns", "srv", "kubernetes"])
    .default("static")
    .describe(
      "static: each entry is one endpoint, a name is dialled at one of its addresses. dns: each address of a name is an endpoint. srv: RFC 2782. file: the list in discoveryFile. kubernetes: the EndpointSlices of Services, watched; needs the right to get, list and watch them.",
    ),
  discoveryFile: filePathSchema
    .optional()
    .describe(
      "YAML or JSON list of endpoints, watched; replaced atomically or edited in place. For discovery=file.",
    ),
  discoveryTimeout: durationOption({ min: 1, max: 300_000 })
    .prefault("5s")
    .describe("How long start waits for the first answer of discovery."),
  dnsConfig: filePathSchema
    .default("/etc/resolv.conf")
    .describe("resolv.conf(5) file with nameserver, search and options ndots, timeout, attempts."),
  dnsServers: listOption()
    .pipe(z.array(z.string().refine(isServer, { error: "accepted: IP, IP:PORT or [IPV6]:PORT" })))
    .prefault([])
    .describe(
      "Name servers IP or IP:PORT instead of those of dnsConfig. Default: none, dnsConfig's are used.",
    ),
  dnsFamily: familyOption
    .prefault("auto")
    .describe("auto: IPv4 addresses if the name has any, else IPv6. 4, 6: only these. both: all."),
  dnsMinTtl: durationOption({ min: 100, max: 3_600_000 })
    .prefault("1s")
    .describe(
      "No name is asked again sooner, whatever its TTL, and whether or not its addresses refuse connections.",
    ),
  dnsMaxTtl: durationOption({ min: 100, max: 86_400_000 })
    .prefault("5m")
    .describe("Every name is asked again at least so often."),
  dnsRetryMin: durationOption({ min: 10, max: 3_600_000 })
    .prefault("1s")
    .describe("First pause after a failed or empty answer; doubles up to dnsRetryMax."),
  dnsRetryMax: durationOption({ min: 10, max: 3_600_000 })
    .prefault("30s")
    .describe("Longest pause after failed or empty answers."),
  balance: z
    .enum(["least-request", "round-robin"])
    .default("least-request")
    .describe("least-request: the less busy of two random endpoints. round-robin: smooth weighted."),
  slowStart: durationOption({ min: 0, max: 3_600_000 })
    .prefault("0s")
    .describe("An endpoint that is new or back gets its share gradually over this span."),
  panicThreshold: shareOption(0, 1)
    .prefault("50%")
    .describe("Below this share of available endpoints all are used, ejected and unhealthy too. 0: never."),
  health: textOption(HEALTH, "off, tcp, or http:/PATH")
    .default("off")
    .describe("Active health check: off, tcp (a connect), http:/PATH (a GET)."),
  healthStatus: listOption({ min: 1 })
    .pipe(z.array(textOption(STATUS_RANGE, "a status such as 200, or a range such as 200-399")))
    .prefault("200-399")
    .describe("Statuses that pass an http check."),
  healthPort: intOption({ min: 1, max: 65_535 })
    .optional()
    .describe("Port of the check. Default: the endpoint's own."),
  healthInterval: durationOption({ min: 100, max: 3_600_000 })
    .prefault("5s")
    .describe("Time between checks of one endpoint, jittered by 10 %."),
  healthTimeout: durationOption({ min: 10, max: 600_000 })
    .prefault("1s")
    .describe("A check that takes longer has failed."),
  healthyThreshold: intOption({ min: 1, max: 100 })
    .prefault(2)
    .describe("Passed checks in a row that make it healthy again."),
  unhealthyThreshold: intOption({ min: 1, max: 100 })
    .prefault(3)
    .describe("Failed checks in a row that make it unhealthy; the very first check counts alone."),
  ejectAfter: intOption({ min: 0, max: 10_000 })
    .prefault(5)
    .describe("Failures in a row (5xx, refused, broken, timed out) that eject an endpoint. 0: never."),
  ejectSuccessRate: booleanOption()
    .prefault(true)
    .describe("Eject an endpoint whose success rate is far below the others'."),
  ejectInterval: durationOption({ min: 100, max: 3_600_000 })
    .prefault("10s")
    .describe("Success rates are compared once in this span."),
  ejectMinHosts: intOption({ min: 2, max: 10_000 })
    .prefault(5)
    .describe("Success rates are compared only among at least so many endpoints with enough requests."),
  ejectMinRequests: intOption({ min: 1, max: 1_000_000 })
    .prefault(100)
    .describe("Requests in an interval from which on an endpoint's success rate means something."),
  ejectDeviations: numberOption({ min: 0.1, max: 10 })
    .prefault(1.9)
    .describe("Standard deviations below the mean success rate at which it is ejected."),
  ejectTime: durationOption({ min: 100, max: 3_600_000 })
    .prefault("30s")
    .describe("Length of the first ejection; the n-th in a row lasts n times as long."),
  ejectTimeMax: durationOption({ min: 100, max: 86_400_000 })
    .prefault("5m")
    .describe("No ejection lasts longer, however often its endpoint was ejected before."),
  ejectMax: shareOption(0, 1)
    .prefault("50%")
    .describe("Largest share of endpoints ejected at once; of two or more, one may always be. 0: none."),
  retries: intOption({ min: 0, max: 20 })
    .prefault(2)
    .describe(
      "Attempts after the first, at most; those after one of which no byte was sent are not counted. 0: none at all.",
    ),
  retryBudget: shareOption(0, 1)
    .prefault("20%")
    .describe("Retries under way at once, as a share of the requests in flight."),
  retryReserve: intOption({ min: 0, max: 100_000 })
    .prefault(20)
    .describe("Retries under way that are allowed besides the budget, for little traffic and bursts."),
  backoffBase: durationOption({ min: 0, max: 600_000 })
    .prefault("25ms")
    .describe("Longest pause before the first retry; doubles with each; the pause is random below it."),
  backoffMax: durationOption({ min: 0, max: 600_000 }).prefault("250ms").describe("Longest pause of all."),
  maxConnections: intOption({ min: 0, max: 1_000_000 })
    .prefault(1024)
    .describe("Connections to one endpoint. 0: no limit."),
  adaptiveConcurrency: booleanOption()
    .prefault(false)
    .describe(
      "Learn from its latencies how many requests an endpoint can do at once, at most maxConnections; the rest waits, as maxPending and maxWait let it.",
    ),
  adaptiveMin: intOption({ min: 1, max: 10_000 })
    .prefault(2)
    .describe("It is never less than so many at once."),
  adaptiveTolerance: numberOption({ min: 1.1, max: 10 })
    .prefault(1.5)
    .describe("So many times the latency without load is still no sign of too much at once."),
  maxPending: intOption({ min: 0, max: 1_000_000 })
    .prefault(1024)
    .describe("Requests that wait for a connection. 0: no limit."),
  maxRequests: intOption({ min: 0, max: 1_000_000 })
    .prefault(0)
    .describe("Requests in flight to the whole upstream. 0: no limit but those of connections and waiting."),
  rate: numberOption({ min: 0, max: 10_000_000 })
    .prefault(0)
    .describe("Requests admitted per second. 0: no limit."),
  burst: intOption({ min: 0, max: 10_000_000 })
    .prefault(0)
    .describe("Requests admitted at once after a pause. 0: as many as rate allows in a second, at least 1."),
  hedge: booleanOption()
    .prefault(false)
    .describe("Send a second attempt of an idempotent request when the first is late."),
  hedgeQuantile: shareOption(0.5, 0.999).prefault("95%").describe("Late means slower than this quantile."),
  hedgeMin: durationOption({ min: 1, max: 600_000 })
    .prefault("5ms")
    .describe("Never hedge sooner than this."),
  hedgeMax: shareOption(0, 1).prefault("5%").describe("Hedges as a share of requests, at most."),
  hedgeWindow: durationOption({ min: 1000, max: 3_600_000 })
    .prefault("30s")
    .describe("Latencies are remembered for one to two halves of this span."),
  hedgeSamples: intOption({ min: 10, max: 1_000_000 })
    .prefault(100)
    .describe("Latencies that must be known before anything is hedged."),
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
  const found: ConfigConflict[] = [];
  const refuse = (wrong: boolean, key: keyof UpstreamConfig, message: string): void => {
    if (wrong) found.push({ key, message });
  };
  const { discovery, endpoints, discoveryFile } = config;
  const withPort = endpoints.filter(({ port }) => port !== null).map(formatAddress);
  const withoutPort = endpoints
    .filter(({ port, portName }) => port === null && portName === undefined)
    .map(formatAddress);
  const namedPort = endpoints.filter(({ portName }) => portName !== undefined).map(formatAddress);
  const noService = endpoints.filter(({ host }) => parseServiceName(host) === null).map(formatAddress);
  const literals = endpoints.filter(({ host }) => needsNoResolver(host)).map(formatAddress);
  refuse(
    discovery !== "file" && endpoints.length === 0,
    "endpoints",
    `discovery=${discovery} needs at least one endpoint`,
  );
  refuse(
    discovery === "file" && endpoints.length > 0,
    "endpoints",
    "discovery=file takes its endpoints from discoveryFile: remove endpoints, or choose discovery=static",
  );
  refuse(
    discovery === "file" && discoveryFile === undefined,
    "discoveryFile",
    "discovery=file needs discoveryFile, the path of the list",
  );
  refuse(
    discovery !== "file" && discoveryFile !== undefined,
    "discoveryFile",
    `discoveryFile is only read with discovery=file, and discovery is ${discovery}`,
  );
  refuse(
    discovery === "srv" && withPort.length > 0,
    "endpoints",
    `discovery=srv takes ports from the SRV records: remove the port of ${withPort.join(", ")}`,
  );
  refuse(
    discovery === "srv" && literals.length > 0,
    "endpoints",
    `discovery=srv takes names such as _http._tcp.catalog, not ${literals.join(", ")}`,
  );
  refuse(
    discovery === "kubernetes" && (noService.length > 0 || literals.length > 0),
    "endpoints",
    `discovery=kubernetes takes Services such as catalog:http or catalog.shop:8080, not ${[...new Set([...noService, ...literals])].join(", ")}`,
  );
  refuse(
    discovery !== "kubernetes" && namedPort.length > 0,
    "endpoints",
    `${namedPort.join(", ")}: a port has a name only with discovery=kubernetes; write its number`,
  );
  refuse(
    discovery !== "srv" && discovery !== "file" && withoutPort.length > 0,
    "endpoints",
    `${withoutPort.join(", ")} has no port: write HOST:PORT`,
  );
  const rising = (lower: DurationKey, upper: DurationKey): void => {
    const [low, high] = [config[lower], config[upper]];
    refuse(low > high, lower, `${lower} ${formatDuration(low)} is above ${upper} ${formatDuration(high)}`);
  };
  rising("dnsMinTtl", "dnsMaxTtl");
  rising("dnsRetryMin", "dnsRetryMax");
  rising("backoffBase", "backoffMax");
  rising("ejectTime", "ejectTimeMax");
  if (config.health !== "off") rising("healthTimeout", "healthInterval");
  refuse(
    config.health === "off" && config.healthPort !== undefined,
    "healthPort",
    "healthPort is the port of a health check, and health is off",
  );
  for (const range of config.healthStatus) {
    const [low, high] = range.split("-").map(Number);
    refuse(
      high !== undefined && (low as number) > high,
      "healthStatus",
      `the range ${range} is empty: its end is below its start`,
    );
  }
  refuse(
    config.burst > 0 && config.rate === 0,
    "burst",
    "burst without rate has no meaning: set rate, or remove burst",
  );
  refuse(
    config.adaptiveConcurrency && config.maxConnections > 0 && config.adaptiveMin > config.maxConnections,
    "adaptiveMin",
    `adaptiveMin ${config.adaptiveMin} is above maxConnections ${config.maxConnections}, which is its upper bound`,
  );
  refuse(
    config.hedge && config.hedgeMax === 0,
    "hedgeMax",
    "hedge=true with hedgeMax 0% would never hedge: raise hedgeMax, or remove hedge",
  );
  return found;
}

type DurationKey =
  | "dnsMinTtl"
  | "dnsMaxTtl"
  | "dnsRetryMin"
  | "dnsRetryMax"
  | "backoffBase"
  | "backoffMax"
  | "ejectTime"
  | "ejectTimeMax"
  | "healthTimeout"
  | "healthInterval";

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
