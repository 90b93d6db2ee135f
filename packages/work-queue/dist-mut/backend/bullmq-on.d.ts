import { type BackendFactory, type IQueueBackend } from "bullmq";
import type { Milliseconds } from "@outrigger/core";
import type { Backend } from "./backend.ts";
/** The longest that a backend is asked to wait for something, and says nothing: of BullMQ's workers on Redis. */
export declare const LONGEST_WAIT: Milliseconds;
/** A connection on which what was asked has no answer for so much longer leads nowhere: it is ended, and another one dialled. */
export declare const PATIENCE: Milliseconds;
export interface Connections<Connection> {
    /** Of whoever adds and asks: it fails at once where there is no connection. */
    readonly asking: Connection;
    /** Of whoever waits for jobs and events: it tries for ever. */
    readonly waiting: Connection;
    /** A worker or a set of events is opened. */
    listens?(): void;
    /** Ends all of them at once, whatever is under way: a backend that does not answer would keep a farewell waiting. */
    cut(): void;
    /** After everything that used them is closed. */
    end(): Promise<void>;
}
interface Events {
    readonly closing: Promise<void> | undefined;
    run(): Promise<void>;
    listenerCount(event: "error"): number;
    emit(event: "error", error: Error): boolean;
}
export declare function bullmqOn<Kind extends IQueueBackend, Connection>(factory: BackendFactory<Kind, Connection>, { asking, waiting, listens, cut, end }: Connections<Connection>, openBlobs: Backend["openBlobs"]): Backend;
/** BullMQ begins by itself, once: where the backend is away just then nobody would ever hear of anything. */
export declare function readOn(events: Events): Promise<void>;
export {};
//# sourceMappingURL=bullmq-on.d.ts.map