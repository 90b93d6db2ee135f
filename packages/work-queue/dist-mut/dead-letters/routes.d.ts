/** The dead-letter queue on the control server. */
import type { ControlRoute } from "@outrigger/core";
import type { DeadLetters } from "./dead-letters.ts";
export declare function deadLetterRoutes(letters: () => DeadLetters | null): readonly ControlRoute[];
//# sourceMappingURL=routes.d.ts.map