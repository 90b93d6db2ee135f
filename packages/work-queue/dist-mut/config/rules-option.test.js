import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleFor, rulesOption } from "./rules-option.js";
const rules = (input) => rulesOption.parse(input);
const problems = (input) => rulesOption.safeParse(input).error?.issues.map(({ message }) => message) ?? [];
test("the first rule that fits counts; one that names no method fits all, and * ends a beginning", () => {
    const all = rules("GET,HEAD *=pass; /healthz=pass; POST /slow/*=queue?priority=5; /*=queue?attempts=2");
    const fits = (method, target) => {
        const rule = ruleFor(all, method, target);
        return rule === null ? -1 : all.indexOf(rule);
    };
    assert.equal(fits("GET", "/anything?x=1"), 0);
    assert.equal(fits("HEAD", "*"), 0);
    assert.equal(fits("POST", "/healthz?deep=/slow/"), 1);
    assert.equal(fits("POST", "/healthz/"), 3);
    assert.equal(fits("POST", "/slow/"), 2);
    assert.equal(fits("PUT", "/slow/1"), 3);
    assert.equal(fits("POST", "/slow"), 3);
    assert.equal(fits("OPTIONS", "*"), -1);
    assert.equal(ruleFor([], "GET", "/"), null);
});
test("what a rule says of its jobs is read, and written again as it was meant", () => {
    const text = "POST,PUT /a.b/*=queue?priority=7&delay=1.5s&deadline=1h&attempts=3";
    const [rule] = rules(text);
    assert.deepEqual(rule, {
        methods: ["POST", "PUT"],
        path: "/a.b/",
        isPrefix: true,
        passes: false,
        wishes: { priority: 7, delay: 1_500, deadline: 3_600_000, attempts: 3 },
    });
    for (const input of [text, "*=pass", "GET /x=pass;/y=queue"]) {
        const parsed = rules(input);
        assert.deepEqual(rules(rulesOption.encode(parsed)), parsed);
    }
    assert.deepEqual(rules(["/a=pass", " "]), rules("/a=pass;"));
});
test("a rule that cannot be read is named, with what is accepted", () => {
    for (const [input, message] of [
        ["/a", /^"\/a": accepted: rules, .*PATH=pass or/],
        ["get /a=pass", /accepted: rules/],
        ["a/b=pass", /accepted: rules/],
        ["/a*b=pass", /accepted: rules/],
        ["/a?b=pass", /accepted: rules/],
        ["/a=pass?priority=1", /accepted: rules/],
        ["/a=queue?prio=1", /^".*": unknown key "prio", accepted: priority, delay, deadline, attempts/],
        ["/a=queue?constructor=1", /unknown key "constructor"/],
        ["/a=queue?priority=-1", /priority: accepted: a whole number from 0 to 1000000/],
        ["/a=queue?attempts=0", /attempts: accepted: a whole number from 1 to 1000/],
        ["/a=queue?delay=90", /delay: accepted: .*unit/],
        ["/a=queue?delay=800h", /delay: accepted: a duration of at most 30 days/],
        ["/a=queue?delay=2m&deadline=1m", /past their deadline before their delay/],
    ]) {
        const [problem = "", ...more] = problems(input);
        assert.match(problem, message, input);
        assert.deepEqual(more, []);
    }
    assert.equal(problems("/a;/b").length, 2);
    assert.match(problems("/a=pass;".repeat(1_001))[0] ?? "", /at most 1000 rules/);
});
//# sourceMappingURL=rules-option.test.js.map