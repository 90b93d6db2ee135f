/** When a job may be done, and before which others: what the rule of its path says, and else its caller. */
import { type Milliseconds } from "@outrigger/core";
import { type Rule } from "../config/rules-option.ts";
export interface Wishes {
    /** 0: before all others. */
    readonly priority: number;
    /** It is not begun before. */
    readonly delay: Milliseconds;
    /** It is not begun after; null: at any time. */
    readonly deadline: Milliseconds | null;
    /** null: as often as any. */
    readonly attempts: number | null;
}
/**
 * @param said fields to us, by name
 * @throws OutriggerError `bad-field`
 */
export declare function wishesOf(said: ReadonlyMap<string, string>, rule: Rule | null): Wishes;
//# sourceMappingURL=wishes.d.ts.map