/** When a job may be done, and before which others: what the rule of its path says, and else its caller. */
import { OutriggerError, parseDuration } from "@outrigger/core";
import { LATEST_PRIORITY, LONGEST_WISH } from "../config/rules-option.js";
/**
 * @param said fields to us, by name
 * @throws OutriggerError `bad-field`
 */
export function wishesOf(said, rule) {
    const ruled = rule?.wishes ?? {};
    const { priority = priorityOf(said.get("outrigger-priority")) } = ruled;
    const { delay = spanOf("outrigger-delay", said) ?? 0 } = ruled;
    const { deadline = spanOf("outrigger-deadline", said) } = ruled;
    if (deadline !== null && delay >= deadline)
        throw new OutriggerError("bad-field", "the job would be past its deadline before its delay is over");
    return { priority, delay, deadline, attempts: ruled.attempts ?? null };
}
function priorityOf(text) {
    if (text === undefined)
        return 0;
    if (/^\d{1,7}$/.test(text) && Number(text) <= LATEST_PRIORITY)
        return Number(text);
    throw new OutriggerError("bad-field", `Outrigger-Priority: accepted: a whole number from 0 (first) to ${LATEST_PRIORITY}`);
}
function spanOf(name, said) {
    const text = said.get(name);
    if (text === undefined)
        return null;
    try {
        const span = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
        if (span <= LONGEST_WISH)
            return span;
    }
    catch (thrown) {
        if (!(thrown instanceof OutriggerError))
            throw thrown;
    }
    const shown = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    throw new OutriggerError("bad-field", `${shown}: accepted: seconds, or a duration with its unit (90s, 10m), at most 30 days`);
}
//# sourceMappingURL=wishes.js.map