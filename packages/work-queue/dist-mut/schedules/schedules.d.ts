import type { Clock, Logger, Metrics, Milliseconds } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import { type Rule } from "../config/rules-option.ts";
import type { Schedule } from "../config/schedules-option.ts";
import type { JobStore } from "../queue/job-store.ts";
export interface SchedulesConfig {
    readonly schedules: readonly Schedule[];
    readonly rules: readonly Rule[];
}
export interface SchedulesOptions extends SchedulesConfig {
    readonly queue: string;
    readonly lockDuration: Milliseconds;
}
export interface SchedulesDeps {
    readonly clock: Clock;
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly store: JobStore;
}
/** As an operator is told of it. */
export interface ScheduleStanding extends Schedule {
    /** ISO 8601; in the past: it is late. */
    readonly next: string;
}
/** No queue of a configuration has such a name. */
export declare const schedulesOf: (queue: string) => string;
export declare class Schedules {
    #private;
    constructor(backend: Backend, options: SchedulesOptions, deps: SchedulesDeps);
    /** From now on the backend has these schedules and no others; tried until it has, in the background. */
    reload(config: SchedulesConfig): void;
    /** Resolves before the backend has them: it does, when it is there. @throws what BullMQ does where the backend is away */
    start(): Promise<void>;
    /** At once: words under way where the backend does not answer are another front's. */
    end(): Promise<void>;
    /** As the backend has them. */
    standing(): Promise<ScheduleStanding[]>;
}
//# sourceMappingURL=schedules.d.ts.map