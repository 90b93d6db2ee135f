/** The keys, flags and environment variables that every container has, whatever its pattern. */
import * as z from "zod";
import {
  booleanOption,
  durationSchema,
  formatHostPort,
  hostPortSchema,
  parseHostPort,
} from "../config/schema-blocks.ts";
import type { FlagDeclaration } from "../config/flags.ts";
import { LOG_LEVELS } from "../log/pino-logger.ts";
import type { ListenAddress } from "../servers/listen.ts";
import type { Milliseconds } from "../units.ts";

export type ControlAddress =
  { readonly kind: "off" } | Extract<ListenAddress, { kind: "loopback" | "host" | "unix" }>;

const CONTROL_ACCEPTED =
  "PORT, 127.0.0.1:PORT, [::1]:PORT, unix:/path or off (never an address that others reach)";
const controlSchema = z
  .codec(
    z.union([z.number(), z.string()], { error: `accepted: ${CONTROL_ACCEPTED}` }),
    z.custom<ControlAddress>(),
    {
      decode(input, context) {
        const address = parseControl(String(input));
        if (address) return address;
        context.issues.push({ code: "custom", input, message: `accepted: ${CONTROL_ACCEPTED}` });
        return z.NEVER;
      },
      encode(address) {
        if (address.kind === "off") return "off";
        if (address.kind === "unix") return `unix:${address.path}`;
        return address.kind === "host" ? formatHostPort(address) : address.port;
      },
    },
  )
  .meta({ accepts: CONTROL_ACCEPTED });

function parseControl(text: string): ControlAddress | null {
  // YAML 1.1 readers turn `off` into false before we see it.
  if (text === "off" || text === "false") return { kind: "off" };
  if (text.startsWith("unix:/") && !text.includes("\0")) return { kind: "unix", path: text.slice(5) };
  const address = parseHostPort(text);
  if (!address) return null;
  const { host, port } = address;
  if (host === undefined || host === "localhost") return { kind: "loopback", port };
  return host === "127.0.0.1" || host === "::1" ? { kind: "host", host, port } : null;
}

export const DEFAULT_SETTLE: Milliseconds = 5_000;

export function containerShape(ports: { readonly probe: number; readonly control: number }) {
  return {
    probe: hostPortSchema
      .prefault(ports.probe)
      .describe(
        "where /livez, /readyz, /startupz and /metrics are served; all interfaces unless a host is given",
      ),
    control: controlSchema
      .prefault(ports.control)
      .describe("where the control server listens, for this pod only"),
    logLevel: z.enum(LOG_LEVELS).prefault("info").describe("the least severe level that is logged"),
    grace: durationSchema
      .prefault("25s")
      .describe("from SIGTERM to the end of draining; keep it below terminationGracePeriodSeconds"),
    settle: durationSchema
      .optional()
      .describe(
        "ingress listeners serve on for so long after SIGTERM, while their removal as endpoint spreads; shorter than grace; default 5s, or half of grace where that is less",
      ),
    drainToken: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, { error: "accepted: 1 to 128 visible ASCII characters" })
      .prefault("preStop")
      .describe(
        "what the header x-outrigger-drain of GET /drain must say; /drain is there where a listener is ingress",
      ),
    egressQuiet: durationSchema
      .prefault("1s")
      .describe(
        "egress listeners stop when the workload has had no connection open for so long after SIGTERM",
      ),
    debugEndpoints: booleanOption()
      .prefault(false)
      .describe("control server: POST /debug/cpuprofile and /debug/heapsnapshot (memory holds secrets)"),
    allowHostNetwork: booleanOption()
      .prefault(false)
      .describe("start although HOST_IP equals POD_IP: every process of the node then reaches our loopback"),
  };
}

export type ContainerConfig = z.output<z.ZodObject<ReturnType<typeof containerShape>>>;

const GROUP = "container";
export const CONTAINER_FLAGS: readonly FlagDeclaration[] = [
  { name: "probe", key: ["probe"], value: "[HOST:]PORT", help: "probe server", group: GROUP },
  {
    name: "control",
    key: ["control"],
    value: "[HOST:]PORT|unix:PATH|off",
    help: "control server",
    group: GROUP,
  },
  { name: "log-level", key: ["logLevel"], value: "LEVEL", help: LOG_LEVELS.join(", "), group: GROUP },
  {
    name: "grace",
    key: ["grace"],
    value: "DURATION",
    help: "from SIGTERM to the end of draining",
    group: GROUP,
  },
  {
    name: "settle",
    key: ["settle"],
    value: "DURATION",
    help: "ingress serves on so long after SIGTERM, less than grace",
    group: GROUP,
  },
  {
    name: "drain-token",
    key: ["drainToken"],
    value: "TOKEN",
    help: "what GET /drain must bring as x-outrigger-drain",
    group: GROUP,
  },
  {
    name: "egress-quiet",
    key: ["egressQuiet"],
    value: "DURATION",
    help: "the workload is gone when silent so long",
    group: GROUP,
  },
  { name: "debug-endpoints", key: ["debugEndpoints"], help: "profiles on the control server", group: GROUP },
  { name: "allow-host-network", key: ["allowHostNetwork"], help: "start in a hostNetwork pod", group: GROUP },
];

/** Read once at the start: another value after a reload is warned about. */
export const FIXED_KEYS = ["probe", "control", "debugEndpoints", "allowHostNetwork"] as const;
