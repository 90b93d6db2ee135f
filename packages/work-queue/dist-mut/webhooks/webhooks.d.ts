import { type Clock, type Logger, type Metrics, type Milliseconds } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import { type Standing } from "../job/standing.ts";
export interface WebhooksOptions {
    readonly queue: string;
    readonly webhooks: readonly string[];
    readonly webhookSecretFile: string;
    readonly webhookCaFile?: string | undefined;
    readonly lockDuration: Milliseconds;
}
export interface WebhooksDeps {
    readonly clock: Clock;
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly random: () => number;
    /** null: it is not kept any more. */
    find(id: string): Promise<Standing | null>;
}
/** No queue of a configuration has such a name. */
export declare const wordsOf: (queue: string, target: string) => string;
export declare class Webhooks {
    #private;
    constructor(backend: Backend, options: WebhooksOptions, deps: WebhooksDeps);
    /** @throws what BullMQ does where the backend is away: on Postgres one that did not come to be is not tried again */
    start(): Promise<void>;
    /**
     * Keeps the word of an end; resolves when it is kept for each target, however long the backend is away.
     * @param standing as it will be
     * @throws OutriggerError `worker-ends`
     */
    keep(standing: Standing): Promise<void>;
    /** At once: calls under way are made again, by whoever is there; after lockDuration where the backend does not hear of it. */
    end(): Promise<void>;
}
//# sourceMappingURL=webhooks.d.ts.map