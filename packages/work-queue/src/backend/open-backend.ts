/** The backend that a configuration names. Each loads its own driver. */
import { silentLogger, type Logger } from "@outrigger/core";
import type { BackendAddress } from "../config/backend-option.ts";
import type { Backend } from "./backend.ts";
import type { Allowance } from "./redis-backend.ts";

/** @throws OutriggerError where it cannot be used, or may lose what it was given */
export async function openBackend(
  address: BackendAddress,
  allowed: readonly Allowance[],
  log: Logger = silentLogger,
): Promise<Backend> {
  switch (address.kind) {
    case "embedded":
      return (await import("./embedded/embedded-backend.ts")).openEmbedded(address.folder, log);
    case "redis":
      return (await import("./redis-backend.ts")).openRedis(address.url, allowed);
    case "postgres":
      return (await import("./postgres-backend.ts")).openPostgres(address.url);
  }
}
