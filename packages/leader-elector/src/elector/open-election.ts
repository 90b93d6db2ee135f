/** One election from its configuration: its store, its duties, and the elector that holds them together. */
import type { DataListener } from "@outrigger/core";
import type { ElectionConfig } from "../config/config.ts";
import { advertised, openDuties } from "../duty/open-duties.ts";
import { parseHealthCheck } from "../health/workload-health.ts";
import { candidateId, hostAddress, type Surroundings } from "../identity.ts";
import { openStore, type StoreDeps } from "../store/open-store.ts";
import { Elector, type ElectorDeps, type WorkloadHealth } from "./elector.ts";

export interface OpenElection {
  readonly config: ElectionConfig;
  readonly elector: Elector;
  /** Ports of its duties, which the lifecycle drains. */
  readonly listeners: readonly DataListener[];
  /** Resolves with true when the workload has stopped, as far as its health check can tell; with false when `signal` aborts. */
  workloadGone(signal: AbortSignal): Promise<boolean>;
  /** Stops the elector, then closes the store. Idempotent. */
  close(): Promise<void>;
}

export interface OpenElectionDeps extends ElectorDeps, Pick<StoreDeps, "memory" | "cluster"> {
  readonly surroundings: Surroundings;
}

/** @throws OutriggerError `no-store`, `bad-timing` and what duties refuse; nothing is left open then */
export async function openElection(config: ElectionConfig, deps: OpenElectionDeps): Promise<OpenElection> {
  const { clock, metrics, surroundings } = deps;
  const log = deps.log.child({ election: config.election });
  const id = config.id ?? candidateId(surroundings);
  const { store, close } = await openStore(config, { ...deps, env: surroundings.env, log });
  // Nothing fails before it was begun.
  const onFailure = (reason: string): void => elector.fail(reason);
  const { duties, listeners } = await openDuties(config, {
    ...{ clock, log, metrics, id, onFailure },
    env: surroundings.env,
    cluster: deps.cluster,
  });
  const health = await openHealth(config, { ...deps, log });
  const address = advertised(config, hostAddress(surroundings));
  const elector = new Elector(
    {
      election: config.election,
      id,
      timing: config,
      store,
      duties,
      campaign: config.campaign,
      releaseTimeout: config.releaseTimeout,
      releaseDelay: config.releaseDelay,
      ...(config.requireRenewal !== undefined && { requireRenewal: config.requireRenewal }),
      ...(health !== null && { health }),
      ...(address !== undefined && { address }),
    },
    { ...deps, log },
  );
  return {
    config,
    elector,
    listeners,
    async workloadGone(signal) {
      if (config.health === undefined) return true;
      const { workloadGone } = await import("../health/workload-gone.ts");
      // The port that is checked is the one that refuses when the workload has stopped.
      return workloadGone(parseHealthCheck(config.health).port, clock, signal);
    },
    async close() {
      await elector.stop();
      await close();
    },
  };
}

async function openHealth(config: ElectionConfig, deps: ElectorDeps): Promise<WorkloadHealth | null> {
  if (config.health === undefined) return null;
  const { WorkloadHealth: Health } = await import("../health/workload-health.ts");
  return new Health(
    {
      check: config.health,
      interval: config.healthInterval,
      timeout: config.healthTimeout,
      healthyThreshold: config.healthyThreshold,
      unhealthyThreshold: config.unhealthyThreshold,
    },
    deps,
  );
}
