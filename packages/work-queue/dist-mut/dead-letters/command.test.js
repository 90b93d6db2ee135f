/** The words of `dlq`, and what it shows of what a control server says. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { freePort } from "@outrigger/core/testing";
import { runDlq } from "./command.js";
const LETTER = {
    ...{ id: "a1", method: "POST", target: "/pay\u001b[2J", reason: "attempts", message: "answered 500\nx" },
    ...{ attempts: 5, failedAt: "2026-01-01T00:00:00.000Z" },
};
let asked;
let status;
let answer;
const server = createServer(({ method = "", url = "", headers }, response) => {
    asked.push({ method, url, header: headers["x-outrigger-control"] });
    response.writeHead(status).end(typeof answer === "string" ? answer : JSON.stringify(answer));
});
const socket = join(tmpdir(), `dlq-${process.pid}.sock`);
const atSocket = createServer((_request, response) => void response.end("[]"));
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
await new Promise((resolve) => atSocket.listen(socket, () => resolve()));
after(() => void server.close());
after(() => void atSocket.close());
const control = `127.0.0.1:${server.address().port}`;
const dlq = (...words) => runDlq(words, { OUTRIGGER_CONTROL: control });
beforeEach(() => {
    [asked, status, answer] = [[], 200, [LETTER]];
});
test("list is a table, in which nothing that callers sent can act on a terminal", async () => {
    assert.equal(await dlq("list"), "ID  FAILED AT                 REASON    ATTEMPTS  REQUEST        MESSAGE\n" +
        "a1  2026-01-01T00:00:00.000Z  attempts  5         POST /pay?[2J  answered 500?x\n");
    assert.deepEqual(asked, [{ method: "GET", url: "/dead-letters?", header: "1" }]);
    answer = [];
    assert.equal(await dlq("list"), "no dead letters\n");
});
test("each wish is asked for as the control server wants it", async () => {
    for (const [words, method, url] of [
        ["list --reason attempts --count 7", "GET", "/dead-letters?reason=attempts&count=7"],
        ["show a1", "GET", "/dead-letters?id=a1"],
        ["replay a&all=true", "POST", "/dead-letters/replay?id=a%26all%3Dtrue"],
        ["replay --reason stalled", "POST", "/dead-letters/replay?reason=stalled"],
        ["purge --all", "POST", "/dead-letters/purge?all=true"],
    ]) {
        asked = [];
        answer = { done: 3 };
        await dlq(...words.split(" "), "--json");
        assert.deepEqual(asked, [{ method, url, header: "1" }], words);
    }
});
test("what was done is counted for people, and JSON for programs", async () => {
    answer = { replayed: 3 };
    assert.equal(await dlq("replay", "--all"), "3 replayed\n");
    assert.deepEqual(JSON.parse(await dlq("replay", "--all", "--json")), { replayed: 3 });
});
test("wrong words are told all at once, and nothing is asked", async () => {
    for (const [words, wanted] of [
        [[], /^say what to do, accepted: list, show, replay, purge\. dlq --help shows all$/],
        [["burn"], /^there is no dlq burn, accepted: list/],
        [["list", "--jsno"], /Unknown option '--jsno'/],
        [["replay"], /^say which, and in one way: ID, --reason, --all\./],
        [["purge", "a1", "--all"], /say which, and in one way/],
        [["show", "a1", "b2"], /one ID at a time, found 2/],
        [["list", "--all", "--reason", "bad"], /takes no --all; --reason: found bad, accepted: refused, /],
        [["show", "--reason", "attempts"], /takes no --reason/],
    ])
        await assert.rejects(dlq(...words), { code: "bad-config", message: wanted }, words.join(" "));
    assert.deepEqual(asked, []);
    assert.match(await dlq("--help"), /dlq replay ID/);
});
test("a control server that is not there, or refuses, is told with a remedy", async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    await assert.rejects(dlq("list", "--control", nobody), {
        code: "no-control",
        message: /ECONNREFUSED.*run this in the pod of the queue, and name its --control/,
    });
    await assert.rejects(dlq("list", "--control", "off"), { code: "bad-config", message: /accepted: PORT/ });
    for (const [said, text, wanted] of [
        [404, "no dead letter has this id\n", /^no dead letter has this id: dlq list shows/],
        [503, "the queue is not open yet\n", /^the queue is not open yet: its backend is not reached/],
        [500, "failed, see the log\n", /see the container's log/],
        [400, "count: accepted: x\n", /^count: accepted: x$/],
    ]) {
        [status, answer] = [said, text];
        await assert.rejects(dlq("show", "a1"), { code: "refused", message: wanted });
    }
});
test("the control server may listen on a unix socket", async () => {
    assert.equal(await dlq("list", "--control", `unix:${socket}`), "no dead letters\n");
});
//# sourceMappingURL=command.test.js.map