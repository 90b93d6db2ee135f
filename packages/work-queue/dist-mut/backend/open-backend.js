/** The backend that a configuration names. Each loads its own driver. */
import { silentLogger } from "@outrigger/core";
/** Of Node's timers: one that is longer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** @throws OutriggerError where it cannot be used, or may lose what it was given */
export async function openBackend({ backend, allowLoss = [], storeTimeout = 5_000, ...files }, log = silentLogger) {
    const timeout = Math.min(storeTimeout, LONGEST_TIMER);
    switch (backend.kind) {
        case "embedded":
            return (await import("./embedded/embedded-backend.js")).openEmbedded(backend.folder, log);
        case "redis":
            return (await import("./redis-backend.js")).openRedis(backend.url, files, timeout, allowLoss);
        case "postgres":
            return (await import("./postgres-backend.js")).openPostgres(backend.url, files, timeout);
    }
}
//# sourceMappingURL=open-backend.js.map