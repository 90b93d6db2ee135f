/** The store that a configuration names, ready for one election. Libraries are loaded when they are used first. */
import { OutriggerError, type Logger } from "@outrigger/core";
import type { Cluster } from "../cluster.ts";
import type { ElectionConfig } from "../config/config.ts";
import type { LeaseStore } from "../election/lease-store.ts";
import { FileStore } from "./file-store.ts";
import { MemoryStore } from "./memory-store.ts";

export interface OpenStore {
  readonly store: LeaseStore;
  close(): void | Promise<void>;
}

export interface StoreDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Leases in memory by the election's name: all candidates of one process share them. */
  readonly memory: Map<string, MemoryStore>;
  /** The client of the cluster that this process is in, or that its kubeconfig names. */
  readonly cluster: () => Promise<Cluster>;
}

/**
 * Opens no connection yet.
 * @throws OutriggerError `no-store` where `auto` finds no cluster; `kubernetes-no-access`, `bad-kubeconfig`
 */
export async function openStore(
  config: ElectionConfig,
  { env, log, memory, cluster }: StoreDeps,
): Promise<OpenStore> {
  const { store: address, election } = config;
  const nothing = (): void => {};
  switch (address.kind) {
    case "memory": {
      const store = memory.get(election) ?? new MemoryStore();
      memory.set(election, store);
      return { store, close: nothing };
    }
    case "file":
      return { store: new FileStore(address.folder, election), close: nothing };
    case "redis": {
      const { RedisStore } = await import("./redis-store.ts");
      const store = new RedisStore(address.url, election, {
        log,
        ...(config.passwordFile !== undefined && { passwordFile: config.passwordFile }),
        ...(config.storeCaFile !== undefined && { caFile: config.storeCaFile }),
      });
      return { store, close: () => store.close() };
    }
    case "auto":
    case "kubernetes": {
      if (address.kind === "auto" && !env["KUBERNETES_SERVICE_HOST"])
        throw new OutriggerError(
          "no-store",
          "this is no cluster, so say where the lease stands: --store redis://HOST, file:FOLDER, or kubernetes with a kubeconfig",
        );
      const [{ KubernetesStore }, { namespace, client }] = await Promise.all([
        import("./kubernetes-store.ts"),
        cluster(),
      ]);
      const store = new KubernetesStore({
        client,
        namespace: config.namespace ?? namespace,
        name: election,
      });
      return { store, close: nothing };
    }
  }
}
