/** Requests that nobody sends: which, and at what times, as a configuration names them. */
import { OutriggerError, parseDuration } from "@outrigger/core";
import * as z from "zod";
import { nextTime } from "../schedules/next-time.js";
const MOST_SCHEDULES = 100;
const SHORTEST = 1_000;
/** Whole days are cron's, with a zone. */
const LONGEST = 24 * 3_600_000;
const ACCEPTED = "schedules, in a list or with ';' between them: NAME = MINUTE HOUR DAY MONTH WEEKDAY [ZONE] METHOD PATH (ZONE as Europe/Berlin, UTC where none is named), or NAME = every SPAN METHOD PATH";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC";
const DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT";
/** What every cron knows: the parser would take more, such as a time drawn by chance, or a step from a number on. */
function elements(value) {
    const element = `(?:(?:\\*|${value}-${value})(?:/[1-9]\\d?)?|${value})`;
    return new RegExp(`^${element}(?:,${element})*$`, "i");
}
const NUMBER = "\\d{1,2}";
const FIELDS = [
    ["MINUTE", elements(NUMBER)],
    ["HOUR", elements(NUMBER)],
    ["DAY", elements(NUMBER)],
    ["MONTH", elements(`(?:${NUMBER}|${MONTHS})`)],
    ["WEEKDAY", elements(`(?:${NUMBER}|${DAYS})`)],
];
export const schedulesOption = z
    .codec(z.union([z.array(z.string()), z.string()], { error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        const lines = typeof input === "string" ? input.split(";") : input;
        const schedules = [];
        const refuse = (message) => {
            context.issues.push({ code: "custom", input, message });
        };
        for (const line of lines.map((text) => text.trim()).filter((text) => text !== ""))
            try {
                const schedule = parseSchedule(line);
                if (schedules.some(({ name }) => name === schedule.name))
                    refuse(`${JSON.stringify(line)}: another schedule has this name`);
                else
                    schedules.push(schedule);
            }
            catch (thrown) {
                refuse(`${JSON.stringify(line)}: ${OutriggerError.from(thrown).message}`);
            }
        if (schedules.length > MOST_SCHEDULES)
            refuse(`accepted: at most ${MOST_SCHEDULES} schedules`);
        return schedules;
    },
    encode: (schedules) => schedules.map(formatSchedule),
})
    .meta({ accepts: ACCEPTED });
const bad = (message, cause) => new OutriggerError("bad-schedule", message, { cause });
/** @throws OutriggerError `bad-schedule` */
function parseSchedule(line) {
    const [, name, rest] = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\s*=\s*(\S.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined)
        throw bad(`accepted: ${ACCEPTED}; a NAME has small letters, digits and '-', at most 63`);
    const words = rest.split(/\s+/);
    const isEvery = words[0] === "every";
    const [method = "", target = ""] = words.splice(-2);
    if (words.length < (isEvery ? 2 : 5) || words.length > (isEvery ? 2 : 6))
        throw bad(`accepted: ${ACCEPTED}; seconds are not told`);
    if (!METHODS.has(method))
        throw bad(`METHOD ${method}: accepted: ${[...METHODS].join(", ")}`);
    if (!/^\/[!-~]{0,2000}$/.test(target) || target.includes("#"))
        throw bad(`PATH ${target}: accepted: one that begins with '/', with its query, as it is sent (%20)`);
    if (isEvery)
        return { name, when: `every ${spanOf(words[1])}`, zone: "UTC", method, target };
    const { when, zone } = cronOf(words.slice(0, 5), words[5] ?? "UTC");
    return { name, when, zone, method, target };
}
function spanOf(text) {
    let span = 0;
    try {
        span = parseDuration(text);
    }
    catch (thrown) {
        throw bad(`SPAN ${text}: accepted: a duration with its unit, from 1s to 24h`, thrown);
    }
    if (span < SHORTEST || span > LONGEST || span % SHORTEST !== 0)
        throw bad(`SPAN ${text}: accepted: whole seconds, from 1s to 24h; what is seldomer is said by its time`);
    return span;
}
function cronOf(words, zone) {
    for (const [at, [field, form]] of FIELDS.entries())
        if (!form.test(words[at]))
            throw bad(`${field} ${words[at]}: accepted: '*', numbers and ranges (1-5), in a list with ',', with a step (*/10, 8-18/2); months and weekdays by JAN and MON, too`);
    // cron takes either of them, and who writes both means both.
    if (words[2] !== "*" && words[4] !== "*")
        throw bad("DAY and WEEKDAY: one of them is '*'; for days of either, make it two schedules");
    const when = words.join(" ");
    try {
        Intl.DateTimeFormat("en", { timeZone: zone });
        if (!/^[A-Za-z]/.test(zone))
            throw new RangeError("not a name");
    }
    catch (thrown) {
        throw bad(`ZONE ${zone}: accepted: a name such as UTC or Europe/Berlin; seconds are not told`, thrown);
    }
    try {
        nextTime(0, when, zone);
    }
    catch (thrown) {
        throw bad(`${when} is no time: ${thrown.message}`, thrown);
    }
    return { when, zone };
}
function formatSchedule({ name, when, zone, method, target }) {
    const times = when.startsWith("every ") ? `${when}ms` : `${when} ${zone}`;
    return `${name} = ${times} ${method} ${target}`;
}
//# sourceMappingURL=schedules-option.js.map