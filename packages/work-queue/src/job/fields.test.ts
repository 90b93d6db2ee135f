import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFields, requestFields } from "./fields.ts";

test("what is the workload's is kept in order; connection, credentials and what is said to the queue are not", () => {
  const head = [
    "POST /a HTTP/1.1",
    "Host: shop",
    "X-A: 1",
    "x-a:  2 ",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "connection: te",
    "te: trailers",
    "Expect: 100-continue",
    "Authorization: Basic x",
    "Cookie: s=1",
    "Prefer: wait=5",
    "Idempotency-Key: k",
    "Outrigger-Job: forged",
    "Outrigger_Attempt: 9",
    "x-empty:",
    "",
    "",
  ].join("\r\n");
  const { kept, toUs } = requestFields(head);
  assert.deepEqual(kept, [
    ["host", "shop"],
    ["x-a", "1"],
    ["x-a", "2"],
    ["x-empty", ""],
  ]);
  assert.deepEqual(Object.fromEntries(toUs), {
    prefer: "wait=5",
    "idempotency-key": "k",
    "outrigger-job": "forged",
  });
});

test("an answer keeps what is not of its connection, cookies and repeated fields included", () => {
  assert.deepEqual(
    answerFields([
      ...["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Connection", "close, X-Hop", "X-Hop", "1"],
      ...["Keep-Alive", "timeout=5", "Content-Length", "3", "Transfer-Encoding", "chunked", "ETag", '"x"'],
    ]),
    [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["etag", '"x"'],
    ],
  );
});
