/** `--print-role`: what these elections need in a cluster, as YAML for kubectl. */
import { OutriggerError } from "@outrigger/core";
import { electionsOf, type LeaderElectorConfig } from "./config/config.ts";
import { rightsManifest } from "./store/kubernetes-rights.ts";

/**
 * One Role, its binding and its objects for each namespace. Where none is said: POD_NAMESPACE, else `default`; the service
 * account is POD_SERVICE_ACCOUNT's, else `default`.
 * @throws OutriggerError `bad-config` where no election stands in a cluster
 */
export function printRole(config: LeaderElectorConfig, env: NodeJS.ProcessEnv): string {
  const serviceAccount = env["POD_SERVICE_ACCOUNT"] || "default";
  const byNamespace = new Map<string, string[]>();
  for (const { election, store, namespace } of electionsOf(config)) {
    if (store.kind !== "kubernetes" && store.kind !== "auto") continue;
    const where = namespace ?? (env["POD_NAMESPACE"] || "default");
    byNamespace.set(where, [...(byNamespace.get(where) ?? []), election]);
  }
  if (byNamespace.size === 0)
    throw new OutriggerError(
      "bad-config",
      "--print-role: no election has its lease in a cluster (--store kubernetes), so that none needs rights there",
    );
  return [...byNamespace]
    .map(([namespace, elections]) => rightsManifest({ elections, namespace, serviceAccount }))
    .join("---\n");
}
