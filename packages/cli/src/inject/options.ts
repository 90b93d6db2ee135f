/** What `outrigger inject` and `outrigger uninject` are told on the command line. */

export interface InjectOptions {
  /** `-` is standard input. */
  readonly files: readonly string[];
  /** `deployment/web` or `web`; empty: every one. */
  readonly only: readonly string[];
  /** Pattern -> its routes or flags; empty: the annotations say. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  readonly gates: readonly string[];
  readonly aliases: readonly string[];
  /** Pattern -> the ConfigMap with its configuration. */
  readonly configMaps: ReadonlyMap<string, ConfigMapKey>;
  /** An ordinary container instead of a native sidecar. */
  readonly classic: boolean;
  readonly imagePrefix: string;
  readonly imageTag: string;
  readonly imagePullPolicy: string | null;
  /** Where the Role and RoleBinding go. */
  readonly rbac: string | null;
  /** The workload's container, where a gate's port does not tell. */
  readonly container: string | null;
  readonly drainToken: string | null;
  /** false: somebody else's preStop calls /drain. */
  readonly preStop: boolean;
  /** false: the nodes let everyone listen on ports below 1024 anyway. */
  readonly sysctl: boolean;
  readonly allowHostNetwork: boolean;
}

export interface ConfigMapKey {
  readonly name: string;
  readonly key: string;
}

export interface UninjectOptions {
  readonly files: readonly string[];
  readonly only: readonly string[];
}
