/** What inject knows of each pattern that it can add: a row each. */
import { IMAGE_ENTRY, patternOf, type Pattern } from "../pod/image.ts";
import type { Value } from "./emit.ts";

export interface Injectable {
  readonly pattern: Pattern;
  /** The image's entrypoint, for an exec in its container: there is no shell that would find it. */
  readonly entry: readonly string[];
  readonly resources: Value;
  /** What it is told: routes, as --route takes them; or flags, each without its dashes. */
  readonly takes: "routes" | "flags";
  /** Ports that it has besides, by the flag that moves each. */
  readonly ports: readonly { readonly flag: string; readonly port: number; readonly what: string }[];
  /** What it is told of its pod: variable -> field. */
  readonly downward: Readonly<Record<string, string>>;
  /** Rights that an option of a route needs of the API server. */
  readonly rights: readonly Right[];
}

export interface Right {
  /** `discovery=kubernetes` */
  readonly option: string;
  readonly value: string;
  readonly reason: string;
  readonly rule: {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  };
}

const AMBASSADOR: Injectable = {
  pattern: patternOf("outrigger/ambassador") as Pattern,
  entry: IMAGE_ENTRY,
  takes: "routes",
  ports: [],
  downward: {},
  resources: { requests: { cpu: "50m", memory: "80Mi" }, limits: { memory: "128Mi" } },
  rights: [
    {
      option: "discovery",
      value: "kubernetes",
      reason: "it watches the EndpointSlices of the Services that its routes name",
      rule: {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        verbs: ["get", "list", "watch"],
      },
    },
  ],
};

const LEADER_ELECTOR: Injectable = {
  pattern: patternOf("outrigger/leader-elector") as Pattern,
  entry: IMAGE_ENTRY,
  takes: "flags",
  ports: [{ flag: "http", port: 4040, what: "HTTP API" }],
  downward: { POD_NAME: "metadata.name", POD_UID: "metadata.uid", POD_IP: "status.podIP" },
  resources: { requests: { cpu: "10m", memory: "80Mi" }, limits: { memory: "128Mi" } },
  // They depend on names and stores: its own --print-role says them.
  rights: [],
};

const WORK_QUEUE: Injectable = {
  pattern: patternOf("outrigger/work-queue") as Pattern,
  entry: IMAGE_ENTRY,
  takes: "flags",
  // Its front's port is a route of the plan (queue.ts).
  ports: [],
  downward: {},
  resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "192Mi" } },
  rights: [],
};

/** In the order in which their containers stand. */
export const INJECTABLES: readonly Injectable[] = [AMBASSADOR, LEADER_ELECTOR, WORK_QUEUE];

/** Of the container in the pod. */
export const containerName = ({ pattern }: Injectable): string => `outrigger-${pattern.name}`;
/** `outrigger.dev/ambassador`: its routes or flags, blanks between. */
export const annotationOf = ({ pattern }: Injectable): string => `outrigger.dev/${pattern.name}`;
/** As annotationOf, for the ambassador's routes that are gates. */
export const GATE_ANNOTATION = "outrigger.dev/gate";
