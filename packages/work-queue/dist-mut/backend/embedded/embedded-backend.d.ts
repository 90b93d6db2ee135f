import { type Logger } from "@outrigger/core";
import type { Backend } from "../backend.ts";
/** @throws OutriggerError `folder-in-use`, `folder-unusable`, `no-embedded` */
export declare function openEmbedded(folder: string, log: Logger): Promise<Backend>;
//# sourceMappingURL=embedded-backend.d.ts.map