/** The cluster of this process: its client is made when somebody needs it first, and shared. */
import type { Clock } from "@outrigger/core";
import type { KubernetesClient } from "@outrigger/core/kubernetes";

export interface Cluster {
  readonly client: KubernetesClient;
  /** The service account's, or the context's. */
  readonly namespace: string;
}

export class LazyCluster {
  readonly #env: NodeJS.ProcessEnv;
  readonly #clock: Clock;
  #opened: Promise<Cluster> | null = null;

  constructor(env: NodeJS.ProcessEnv, clock: Clock) {
    this.#env = env;
    this.#clock = clock;
  }

  /** @throws OutriggerError `kubernetes-no-access`, `bad-kubeconfig` */
  open(): Promise<Cluster> {
    this.#opened ??= this.#open().catch((thrown: unknown) => {
      // The next who asks may find it.
      this.#opened = null;
      throw thrown;
    });
    return this.#opened;
  }

  async close(): Promise<void> {
    const cluster = await this.#opened?.catch(() => null);
    cluster?.client.close();
    this.#opened = null;
  }

  async #open(): Promise<Cluster> {
    const [env, clock] = [this.#env, this.#clock];
    const { findClusterAccess, KubernetesClient } = await import("@outrigger/core/kubernetes");
    const access = await findClusterAccess({ env, clock });
    return { client: new KubernetesClient({ access, clock }), namespace: access.namespace ?? "default" };
  }
}
