/** The backend that a configuration names. Each loads its own driver. */
import type { RedisFiles } from "@outrigger/core";
import type { BackendAddress } from "../config/backend-option.ts";
import type { Backend } from "./backend.ts";
import type { Allowance } from "./redis-backend.ts";

export interface BackendOptions extends RedisFiles {
  readonly backend: BackendAddress;
  readonly allowLoss?: readonly Allowance[];
}

/** @throws OutriggerError where it cannot be used, or may lose what it was given */
export async function openBackend({ backend, allowLoss = [], ...files }: BackendOptions): Promise<Backend> {
  switch (backend.kind) {
    case "embedded":
      return (await import("./embedded/embedded-backend.ts")).openEmbedded(backend.folder);
    case "redis":
      return (await import("./redis-backend.ts")).openRedis(backend.url, files, allowLoss);
    case "postgres":
      return (await import("./postgres-backend.ts")).openPostgres(backend.url, files);
  }
}
