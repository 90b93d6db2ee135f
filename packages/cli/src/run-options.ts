/** What `outrigger run` is told to do, whoever reads it from the command line. */
import type { Milliseconds } from "@outrigger/core";

export type View = "auto" | "screen" | "log";
export type Network = "auto" | "host" | "namespace";

export interface RunOptions {
  readonly files: readonly string[];
  readonly images: ReadonlyMap<string, string>;
  readonly volumes: ReadonlyMap<string, string>;
  readonly for: Milliseconds | null;
  readonly view: View;
  readonly log: "pretty" | "json";
  readonly restartBackOff: Milliseconds;
  readonly network: Network;
  /** Start this pod of the manifests only. */
  readonly pod: string | null;
  readonly check: boolean;
}
