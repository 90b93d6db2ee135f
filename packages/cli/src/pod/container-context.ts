/** What planning one container is given: the run's options, and what is known of its pod so far. */
import type { Path } from "../manifest/document.ts";
import type { ContainerSpec } from "../manifest/fields.ts";
import type { DeclaredPod } from "../manifest/load.ts";
import type { PodFacts } from "./environment.ts";
import type { Mount } from "./mount-path.ts";
import type { Role } from "./plan.ts";

export interface PlanOptions {
  /** --image NAME=DIR */
  readonly images: ReadonlyMap<string, string>;
  /** --volume NAME=DIR */
  readonly volumes: ReadonlyMap<string, string>;
  /** Where the run keeps its folders. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The address at which the pod's ports are dialled. */
  readonly ip: string;
  /** Whether hostAliases and Service names resolve inside. */
  readonly ownNetwork: boolean;
}

/** What one container's planning can ask and report. */
export interface ContainerContext {
  readonly pod: DeclaredPod;
  readonly container: ContainerSpec;
  readonly role: Role;
  readonly at: Path;
  readonly options: PlanOptions;
  readonly facts: PodFacts;
  readonly mounts: readonly Mount[];
  readonly variables: ReadonlyMap<string, string>;
  /** The variables as they may be printed: what comes from a Secret is redacted. */
  readonly shown: ReadonlyMap<string, string>;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
  report(path: Path, message: string): void;
}
