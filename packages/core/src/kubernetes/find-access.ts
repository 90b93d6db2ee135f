/** Where the cluster's access stands: in the pod's service account, or in a kubeconfig file. */
import type { AccessOptions, ClusterAccess } from "./cluster-access.ts";
import { inClusterAccess, isInCluster, SERVICE_ACCOUNT } from "./in-cluster.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";

/**
 * The pod's own access where there is a service account, else kubeconfig's current context, as client-go looks for them.
 * @throws OutriggerError `kubernetes-no-access`, `bad-kubeconfig`
 */
export async function findClusterAccess(options: AccessOptions): Promise<ClusterAccess> {
  const { serviceAccount = SERVICE_ACCOUNT } = options;
  if (isInCluster(options.env)) return await inClusterAccess({ ...options, serviceAccount });
  return await kubeconfigAccess(options);
}
