/** Which requests become jobs, which pass straight through, and what their path says of their jobs. */
import { OutriggerError, parseDuration } from "@outrigger/core";
import * as z from "zod";
export const LATEST_PRIORITY = 1_000_000;
export const LONGEST_WISH = 30 * 24 * 3_600_000;
const MOST_RULES = 1_000;
const ACCEPTED = "rules, in a list or with ';' between them: [METHOD,... ]PATH=pass or [METHOD,... ]PATH=queue[?priority=N&delay=SPAN&deadline=SPAN&attempts=N], a PATH that ends with * being a beginning";
const whole = (min, max) => (text) => {
    const value = Number(text);
    if (/^\d{1,7}$/.test(text) && value >= min && value <= max)
        return value;
    throw new OutriggerError("bad-rule", `a whole number from ${min} to ${max}`);
};
const span = (text) => {
    const value = parseDuration(text);
    if (value <= LONGEST_WISH)
        return value;
    throw new OutriggerError("bad-rule", "a duration of at most 30 days");
};
const WISHES = {
    priority: whole(0, LATEST_PRIORITY),
    delay: span,
    deadline: span,
    attempts: whole(1, 1_000),
};
export const rulesOption = z
    .codec(z.union([z.array(z.string()), z.string()], { error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        const lines = typeof input === "string" ? input.split(";") : input;
        const rules = [];
        for (const line of lines.map((text) => text.trim()).filter((text) => text !== ""))
            try {
                rules.push(parseRule(line));
            }
            catch (thrown) {
                context.issues.push({
                    code: "custom",
                    input,
                    message: `${JSON.stringify(line)}: ${OutriggerError.from(thrown).message}`,
                });
            }
        if (rules.length > MOST_RULES)
            context.issues.push({ code: "custom", input, message: `accepted: at most ${MOST_RULES} rules` });
        return rules;
    },
    encode: (rules) => rules.map(formatRule),
})
    .meta({ accepts: ACCEPTED });
/** @throws OutriggerError `bad-rule` */
function parseRule(line) {
    const [, methods, path, action, query] = /^(?:([A-Z]+(?:,[A-Z]+)*)\s+)?(\*|\/[^\s?#=*]*\*?)\s*=\s*(pass|queue)(?:\?(\S*))?$/.exec(line) ?? [];
    if (path === undefined || (action === "pass" && query !== undefined))
        throw new OutriggerError("bad-rule", `accepted: ${ACCEPTED}`);
    const wishes = {};
    for (const pair of (query ?? "").split("&").filter((text) => text !== "")) {
        const [key = "", value = ""] = pair.split("=", 2);
        const parse = WISHES[key];
        if (!Object.hasOwn(WISHES, key) || parse === undefined)
            throw new OutriggerError("bad-rule", `unknown key ${JSON.stringify(key)}, accepted: ${Object.keys(WISHES).join(", ")}`);
        try {
            wishes[key] = parse(value);
        }
        catch (thrown) {
            throw new OutriggerError("bad-rule", `${key}: accepted: ${OutriggerError.from(thrown).message}`, {
                cause: thrown,
            });
        }
    }
    const { delay = 0, deadline = Infinity } = wishes;
    if (delay >= deadline)
        throw new OutriggerError("bad-rule", "its jobs would be past their deadline before their delay is over");
    return {
        methods: methods?.split(",") ?? null,
        path: path.replace(/\*$/, ""),
        isPrefix: path.endsWith("*"),
        passes: action === "pass",
        wishes,
    };
}
export function formatRule({ methods, path, isPrefix, passes, wishes }) {
    const query = Object.entries(wishes).map(([key, value]) => key === "delay" || key === "deadline" ? `${key}=${value}ms` : `${key}=${value}`);
    return `${methods === null ? "" : `${methods.join(",")} `}${path}${isPrefix ? "*" : ""}=${passes ? "pass" : `queue${query.length > 0 ? `?${query.join("&")}` : ""}`}`;
}
/** The first that fits; null: none does. @param target path and query, as they came */
export function ruleFor(rules, method, target) {
    if (rules.length === 0)
        return null;
    const query = target.indexOf("?");
    const path = query === -1 ? target : target.slice(0, query);
    return (rules.find((rule) => (rule.methods === null || rule.methods.includes(method)) &&
        (rule.isPrefix ? path.startsWith(rule.path) : path === rule.path)) ?? null);
}
//# sourceMappingURL=rules-option.js.map