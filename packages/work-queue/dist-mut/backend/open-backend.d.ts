/** The backend that a configuration names. Each loads its own driver. */
import { type Logger, type Milliseconds, type RedisFiles } from "@outrigger/core";
import type { BackendAddress } from "../config/backend-option.ts";
import type { Backend } from "./backend.ts";
import type { Allowance } from "./redis-backend.ts";
export interface BackendOptions extends RedisFiles {
    readonly backend: BackendAddress;
    readonly allowLoss?: readonly Allowance[];
    /** How long one who asks waits for an answer. Default: five seconds. */
    readonly storeTimeout?: Milliseconds;
}
/** @throws OutriggerError where it cannot be used, or may lose what it was given */
export declare function openBackend({ backend, allowLoss, storeTimeout, ...files }: BackendOptions, log?: Logger): Promise<Backend>;
//# sourceMappingURL=open-backend.d.ts.map