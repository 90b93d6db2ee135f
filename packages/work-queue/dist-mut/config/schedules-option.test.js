import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWorkQueueConfig } from "./config.js";
import { schedulesOption } from "./schedules-option.js";
const schedules = (input) => schedulesOption.parse(input);
const problems = (input) => schedulesOption.safeParse(input).error?.issues.map(({ message }) => message) ?? [];
test("a schedule is read, and written again as it was meant", () => {
    const text = "nightly = 0 3 * * * Europe/Berlin POST /reports/daily?all=1; poll-2=every 10m GET /poll ; w = */5 8-17 * JAN,3 mon-fri DELETE /w";
    const parsed = schedules(text);
    assert.deepEqual(parsed, [
        {
            ...{ name: "nightly", when: "0 3 * * *", zone: "Europe/Berlin" },
            ...{ method: "POST", target: "/reports/daily?all=1" },
        },
        { name: "poll-2", when: "every 600000", zone: "UTC", method: "GET", target: "/poll" },
        { name: "w", when: "*/5 8-17 * JAN,3 mon-fri", zone: "UTC", method: "DELETE", target: "/w" },
    ]);
    assert.deepEqual(schedules(schedulesOption.encode(parsed)), parsed);
    assert.deepEqual(schedules(["a = every 1s GET /;x", ""])[0]?.target, "/;x");
});
const REFUSED = [
    ["nothing but a time", "0 3 * * * GET /", /accepted: schedules/],
    ["a name that no label is", "Nightly = 0 3 * * * GET /", /a NAME has small letters/],
    ["too few fields", "n = 0 3 * * GET /", /accepted: schedules/],
    ["seconds", "n = 0 0 3 * * * GET /", /ZONE \*: accepted: a name .*seconds/],
    ["seconds and a zone", "n = 0 0 3 * * * UTC GET /", /seconds/],
    ["an alias", "n = @daily GET /", /accepted: schedules/],
    ["a minute that is none", "n = 60 3 * * * GET /", /60 3 \* \* \* is no time: .*range 0-59/],
    ["a day that never comes", "n = 0 0 31 4,6 * GET /", /is no time/],
    ["a day by month's length", "n = 0 0 30 2 * GET /", /is no time/],
    ["a drawn minute", "n = H 3 * * * GET /", /MINUTE H: accepted: .*numbers and ranges/],
    ["a last day", "n = 0 3 L * * GET /", /DAY L: accepted/],
    ["a nth weekday", "n = 0 3 * * MON#1 GET /", /WEEKDAY MON#1/],
    ["a step of nothing", "n = */0 3 * * * GET /", /MINUTE \*\/0/],
    ["a step without end", "n = */99999999999 * * * * GET /", /MINUTE/],
    ["a step from one minute on", "n = 5/15 * * * * GET /", /MINUTE 5\/15: accepted: .*with a step/],
    ["an empty place in a list", "n = 1,,2 3 * * * GET /", /MINUTE 1,,2/],
    ["day and weekday", "n = 0 3 1 * MON GET /", /one of them is '\*'.*two schedules/],
    ["a zone that is not", "n = 0 3 * * * Mars/Base GET /", /ZONE Mars\/Base/],
    ["a zone by its distance", "n = 0 3 * * * +02:00 GET /", /ZONE \+02:00/],
    ["a zone of every", "n = every 1h UTC GET /", /accepted: schedules/],
    ["a span without its unit", "n = every 10 GET /", /SPAN 10: accepted: a duration/],
    ["a span too short", "n = every 500ms GET /", /whole seconds, from 1s to 24h/],
    ["a span too long", "n = every 25h GET /", /what is seldomer/],
    ["a small method", "n = every 1h get /", /METHOD get: accepted: GET/],
    ["a path that is none", "n = every 1h GET x", /PATH x: accepted/],
    ["a line's end in a path", "n = every 1h GET /\u0001", /PATH/],
    ["a name twice", "n = every 1h GET /; n = every 2h GET /", /another schedule has this name/],
];
for (const [what, line, says] of REFUSED)
    test(`is refused, by its line and with what is accepted: ${what}`, () => {
        const [problem = ""] = problems(line);
        assert.match(problem, says);
        assert.ok(problem.startsWith('"n = ') || /^"(0|Nightly)/.test(problem), problem);
    });
test("all that is wrong is told at once, also of a worker's", () => {
    assert.equal(problems("a = x; b = every 1s GET /; c = every 0s GET /").length, 2);
    assert.equal(problems(Array.from({ length: 101 }, (_, at) => `a${at} = every 1h GET /`)).length, 1);
    assert.throws(() => parseWorkQueueConfig({ backend: "redis://r", role: "worker", schedules: ["a = every 1s GET /"] }), /workers may come and go: give them to the front/);
});
//# sourceMappingURL=schedules-option.test.js.map