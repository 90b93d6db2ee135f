/** One election from its configuration: its store, its duties, and the elector that holds them together. */
import type { DataListener } from "@outrigger/core";
import type { ElectionConfig } from "../config.ts";
import type { Duty } from "../duty/duty.ts";
import { candidateId, type Surroundings } from "../identity.ts";
import { openStore, type StoreDeps } from "../store/open-store.ts";
import { Elector, type ElectorDeps } from "./elector.ts";

export interface OpenElection {
  readonly config: ElectionConfig;
  readonly elector: Elector;
  /** Ports of its duties, which the lifecycle drains. */
  readonly listeners: readonly DataListener[];
  /** Stops the elector, then closes the store. Idempotent. */
  close(): Promise<void>;
}

export interface OpenElectionDeps extends ElectorDeps, Pick<StoreDeps, "memory"> {
  readonly surroundings: Surroundings;
}

/** @throws OutriggerError `no-store`, `bad-timing` and what duties refuse; nothing is left open then */
export async function openElection(config: ElectionConfig, deps: OpenElectionDeps): Promise<OpenElection> {
  const { log, surroundings, memory } = deps;
  const id = config.id ?? candidateId(surroundings);
  const { store, close } = await openStore(config, { env: surroundings.env, log, memory });
  const duties: Duty[] = [];
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
      ...(config.address !== undefined && { address: config.address }),
    },
    deps,
  );
  return {
    config,
    elector,
    listeners: [],
    async close() {
      await elector.stop();
      await close();
    },
  };
}
