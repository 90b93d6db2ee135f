/** Where an API server is, and what proves to it who we are: from the pod's service account, or from a kubeconfig file. */
import type { Clock } from "../time/clock.ts";
import { inClusterAccess, isInCluster, SERVICE_ACCOUNT } from "./in-cluster.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";

/** All as PEM or plain text; null: there is none. */
export interface Credentials {
  readonly token: string | null;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface ClusterAccess {
  /** A path in it stands before that of each request. */
  readonly server: URL;
  /** That of the service account, or of the context; null: none is said. */
  readonly namespace: string | null;
  /** The name that the server's certificate must have, where that is not the URL's. */
  readonly serverName: string | null;
  /** The server's certificate is not looked at. */
  readonly insecure: boolean;
  /** Where all this was read, for messages. */
  readonly source: string;
  /** As they are now: files are read again, at most each 10 s. */
  credentials(): Promise<Credentials>;
  /** The server did not take them: files are read again at the next call. */
  refused(): void;
}

export interface AccessOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Default: where the kubelet mounts it. */
  readonly serviceAccount?: string;
}

/**
 * The pod's own access where there is a service account, else kubeconfig's current context, as client-go looks for them.
 * @throws OutriggerError `kubernetes-no-access`, `bad-kubeconfig`
 */
export async function findClusterAccess(options: AccessOptions): Promise<ClusterAccess> {
  const { serviceAccount = SERVICE_ACCOUNT } = options;
  if (isInCluster(options.env)) return await inClusterAccess({ ...options, serviceAccount });
  return await kubeconfigAccess(options);
}
