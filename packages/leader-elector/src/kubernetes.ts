/** What an elector does in a cluster: an entry of its own, so that only who is in one loads the client of its API. */
export { ADDRESS_ANNOTATION } from "./store/lease-object.ts";
export { KubernetesStore, type KubernetesStoreOptions } from "./store/kubernetes-store.ts";
export { rightsManifest, type KubernetesRights } from "./store/kubernetes-rights.ts";
export {
  LeaderSlice,
  TOKEN_ANNOTATION,
  type LeaderSliceDeps,
  type LeaderSliceOptions,
} from "./duty/leader-slice.ts";
