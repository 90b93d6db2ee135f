import { type ControlReply } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import { QueueView } from "./queue-view.ts";
export interface BoardOptions {
    readonly queue: string;
    readonly webhooks: readonly string[];
}
/** @throws OutriggerError `no-board`: its page is not installed; what BullMQ does where the backend is away */
export declare function openBoard(backend: Backend, { queue, webhooks }: BoardOptions): Promise<Board>;
export declare class Board {
    #private;
    constructor(views: readonly QueueView[], folder: string, files: ReadonlySet<string>, template: string);
    /** @param path below the board's own, as it came */
    answer(path: string, query: URLSearchParams): Promise<ControlReply>;
}
//# sourceMappingURL=board.d.ts.map