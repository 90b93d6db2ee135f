/** A small client of the Kubernetes API. Not part of core's index: whoever needs it loads it, when it is needed. */
export { findClusterAccess } from "./find-access.ts";
export type { AccessOptions, ClusterAccess, Credentials } from "./cluster-access.ts";
export { Backoff } from "./backoff.ts";
export { inClusterAccess, isInCluster, SERVICE_ACCOUNT } from "./in-cluster.ts";
export { kubeconfigAccess } from "./kubeconfig.ts";
export {
  KubernetesClient,
  type KubernetesClientOptions,
  type ListOptions,
  type ObjectList,
  type Selection,
  type WatchOptions,
} from "./client.ts";
export { WatchList, type WatchListDeps, type WatchListEvents } from "./watch-list.ts";
export type { WatchEvent } from "./watch-stream.ts";
export {
  ENDPOINT_SLICES,
  LEASES,
  type EndpointSlice,
  type KubernetesObject,
  type Lease,
  type ObjectMeta,
  type Resource,
  type SliceEndpoint,
  type Status,
} from "./objects.ts";
