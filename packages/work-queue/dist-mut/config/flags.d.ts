/** The flags of a work queue, each with its twin in the environment. */
import type { FlagDeclaration } from "@outrigger/core";
export declare const FLAGS: readonly FlagDeclaration[];
//# sourceMappingURL=flags.d.ts.map