/** The backend that a configuration names. Each loads its own driver. */
import type { BackendAddress } from "../config/backend-option.ts";
import type { Backend } from "./backend.ts";
import type { Allowance } from "./redis-backend.ts";

/** @throws OutriggerError where it cannot be used, or may lose what it was given */
export async function openBackend(address: BackendAddress, allowed: readonly Allowance[]): Promise<Backend> {
  switch (address.kind) {
    case "embedded":
      return (await import("./embedded/embedded-backend.ts")).openEmbedded(address.folder);
    case "redis":
      return (await import("./redis-backend.ts")).openRedis(address.url, allowed);
    case "postgres":
      return (await import("./postgres-backend.ts")).openPostgres(address.url);
  }
}
