import assert from "node:assert/strict";
import { test } from "node:test";
import { rulesOption } from "../config/rules-option.js";
import { wishesOf } from "./wishes.js";
const said = (fields) => new Map(Object.entries(fields));
const rule = (text) => rulesOption.parse(text)[0];
test("a caller says when its job may be done; where the rule of its path says it, that counts", () => {
    assert.deepEqual(wishesOf(said({}), null), { priority: 0, delay: 0, deadline: null, attempts: null });
    const fields = said({
        "outrigger-priority": "3",
        "outrigger-delay": "90",
        "outrigger-deadline": "10m",
    });
    assert.deepEqual(wishesOf(fields, rule("/=queue")), {
        priority: 3,
        delay: 90_000,
        deadline: 600_000,
        attempts: null,
    });
    assert.deepEqual(wishesOf(fields, rule("/=queue?priority=9&delay=1s&attempts=2")), {
        priority: 9,
        delay: 1_000,
        deadline: 600_000,
        attempts: 2,
    });
    // What the rule says is not looked at in the request.
    assert.equal(wishesOf(said({ "outrigger-priority": "x" }), rule("/=queue?priority=0")).priority, 0);
});
test("what cannot be read is said by its name, with what is accepted", () => {
    for (const [fields, message] of [
        [{ "outrigger-priority": "-1" }, /^Outrigger-Priority: accepted: a whole number from 0/],
        [{ "outrigger-priority": "1000001" }, /^Outrigger-Priority/],
        [{ "outrigger-delay": "soon" }, /^Outrigger-Delay: accepted: seconds, or a duration/],
        [{ "outrigger-delay": "2592001" }, /^Outrigger-Delay: .*at most 30 days/],
        [{ "outrigger-deadline": "" }, /^Outrigger-Deadline/],
        [{ "outrigger-deadline": "1e3" }, /^Outrigger-Deadline/],
        [{ "outrigger-delay": "60", "outrigger-deadline": "1m" }, /past its deadline/],
    ])
        assert.throws(() => wishesOf(said(fields), null), { code: "bad-field", message });
});
//# sourceMappingURL=wishes.test.js.map