/** The cluster of this process: its client is made when somebody needs it first, and shared. */
import type { Clock } from "@outrigger/core";
import type { Cluster } from "./store/open-store.ts";

/** @returns what opens it at the first call, and gives the same at each further one */
export function lazyCluster(env: NodeJS.ProcessEnv, clock: Clock): () => Promise<Cluster> {
  let cluster: Promise<Cluster> | null = null;
  return () => {
    cluster ??= open(env, clock).catch((thrown: unknown) => {
      // The next who asks may find it.
      cluster = null;
      throw thrown;
    });
    return cluster;
  };
}

async function open(env: NodeJS.ProcessEnv, clock: Clock): Promise<Cluster> {
  const { findClusterAccess, KubernetesClient } = await import("@outrigger/core/kubernetes");
  const access = await findClusterAccess({ env, clock });
  return { client: new KubernetesClient({ access, clock }), namespace: access.namespace ?? "default" };
}
