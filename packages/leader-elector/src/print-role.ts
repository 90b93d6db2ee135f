/** `--print-role`: what these elections need in a cluster, as YAML for kubectl. */
import { OutriggerError } from "@outrigger/core";
import { electionsOf, type LeaderElectorConfig } from "./config/config.ts";
import { sliceOf } from "./duty/open-duties.ts";
import { rightsManifest } from "./store/kubernetes-rights.ts";

/**
 * A Role, its binding and its objects for each election. The namespace, where none is said, is POD_NAMESPACE's, else `default`; the
 * service account POD_SERVICE_ACCOUNT's, else `default`. A slice is of IPv6 addresses where POD_IP is one.
 * @throws OutriggerError `bad-config` where no election stands in a cluster
 */
export function printRole(config: LeaderElectorConfig, env: NodeJS.ProcessEnv): string {
  const serviceAccount = env["POD_SERVICE_ACCOUNT"] || "default";
  const here = env["POD_NAMESPACE"] || "default";
  const manifests = electionsOf(config).flatMap(({ election, store, namespace, service, slice }) => {
    const inCluster = store.kind === "kubernetes" || store.kind === "auto";
    if (!inCluster && service === undefined) return [];
    return rightsManifest({
      election,
      lease: inCluster,
      namespace: namespace ?? here,
      serviceAccount,
      ...(service !== undefined && {
        slice: {
          name: slice ?? sliceOf(service),
          service,
          addressType: env["POD_IP"]?.includes(":") ? "IPv6" : "IPv4",
        },
      }),
    });
  });
  if (manifests.length === 0)
    throw new OutriggerError(
      "bad-config",
      "--print-role: no election has its lease in a cluster (--store kubernetes), so that none needs rights there",
    );
  return `# For the service account ${serviceAccount}, in namespace ${here} unless an election says another: POD_SERVICE_ACCOUNT and POD_NAMESPACE.\n${manifests.join("")}`;
}
