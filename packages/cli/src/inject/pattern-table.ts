/** What inject knows of each pattern that it can add: a row each. */
import { IMAGE_ENTRY, patternOf, type Pattern } from "../pod/image.ts";
import type { Value } from "./emit.ts";

export interface Injectable {
  readonly pattern: Pattern;
  /** The image's entrypoint, for an exec in its container: there is no shell that would find it. */
  readonly entry: readonly string[];
  readonly resources: Value;
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

/** In the order in which their containers stand. */
export const INJECTABLES: readonly Injectable[] = [AMBASSADOR];

/** Of the container in the pod. */
export const containerName = ({ pattern }: Injectable): string => `outrigger-${pattern.name}`;
/** `outrigger.dev/ambassador`: its routes, blanks between. */
export const annotationOf = ({ pattern }: Injectable): string => `outrigger.dev/${pattern.name}`;
/** As annotationOf, for the ambassador's routes that are gates. */
export const GATE_ANNOTATION = "outrigger.dev/gate";
