/** What will be started: a declared pod with everything looked up, rewritten and checked, nothing left to ask. */
import type { Milliseconds } from "@outrigger/core";
import type { ConfigCheck } from "./config-check.ts";
import type { Volume } from "./volume.ts";
import type { Pattern } from "./image.ts";
import type { Mount } from "./mount-path.ts";
import type { ProbePlan, Action } from "./probe.ts";
import type { Command } from "./process-group.ts";

/** init: runs to its end before the next; sidecar: started in order before the main ones, stopped after them. */
export type Role = "init" | "sidecar" | "main";
export type RestartPolicy = "Always" | "OnFailure" | "Never";
export type Hook = Action | { readonly kind: "sleep"; readonly span: Milliseconds };

export interface ContainerPlan {
  readonly name: string;
  readonly role: Role;
  readonly image: string;
  readonly pattern: (Pattern & { readonly metricsUrl: string | null }) | undefined;
  readonly command: Command;
  /** Where it is one of our own patterns. */
  readonly check?: ConfigCheck;
  readonly restartPolicy: RestartPolicy;
  readonly startupProbe: ProbePlan | undefined;
  readonly livenessProbe: ProbePlan | undefined;
  readonly readinessProbe: ProbePlan | undefined;
  readonly postStart: Hook | undefined;
  readonly preStop: Hook | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly mounts: readonly Mount[];
  readonly ports: readonly PortClaim[];
}

/** A TCP port on localhost that a container will listen on. */
export interface PortClaim {
  readonly port: number;
  /** Where on localhost, as far as it is known: a workload's program may do as it likes, a pattern container does not. */
  readonly addresses: readonly LoopbackAddress[];
  /** The pod's id. */
  readonly podId: string;
  /** The pod's label. */
  readonly pod: string;
  readonly container: string;
  /** What makes us think so: `spec.containers[0].ports[0]`, or the default of a pattern. */
  readonly because: string;
}

export type LoopbackAddress = "127.0.0.1" | "::1";

export interface PodPlan {
  /** `namespace/kind/name` */
  readonly id: string;
  /** The name as a person is told it: the id where another pod has the name too. */
  readonly label: string;
  readonly name: string;
  readonly kind: string;
  readonly folder: string;
  readonly volumes: readonly Volume[];
  readonly init: readonly ContainerPlan[];
  readonly main: readonly ContainerPlan[];
  readonly grace: Milliseconds;
  readonly deadline: Milliseconds | undefined;
  /** What this run cannot do for the pod, one sentence each. */
  readonly notHonoured: readonly string[];
}
