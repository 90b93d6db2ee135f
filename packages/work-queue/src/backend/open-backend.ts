/** The backend that a configuration names. Each loads its own driver. */
import { silentLogger, type Logger, type Milliseconds, type RedisFiles } from "@outrigger/core";
import type { BackendAddress } from "../config/backend-option.ts";
import type { Backend } from "./backend.ts";
import type { Allowance } from "./redis-backend.ts";

export interface BackendOptions extends RedisFiles {
  readonly backend: BackendAddress;
  readonly allowLoss?: readonly Allowance[];
  /** How long one who asks waits for an answer. Default: five seconds. */
  readonly storeTimeout?: Milliseconds;
}

/** Of Node's timers: one that is longer fires at once. */
const LONGEST_TIMER: Milliseconds = 2 ** 31 - 1;

/**
 * @param signal of one that is not wanted any more: what is dialled is given up; an embedded one is opened all the same
 * @throws OutriggerError where it cannot be used, or may lose what it was given
 */
export async function openBackend(
  { backend, allowLoss = [], storeTimeout = 5_000, ...files }: BackendOptions,
  log: Logger = silentLogger,
  signal?: AbortSignal,
): Promise<Backend> {
  const timeout = Math.min(storeTimeout, LONGEST_TIMER);
  switch (backend.kind) {
    case "embedded":
      return (await import("./embedded/embedded-backend.ts")).openEmbedded(backend.folder, log);
    case "redis":
      return (await import("./redis-backend.ts")).openRedis(backend.url, files, timeout, allowLoss, signal);
    case "postgres":
      return (await import("./postgres-backend.ts")).openPostgres(backend.url, files, timeout, signal);
  }
}
