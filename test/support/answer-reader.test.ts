import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerReader } from "./answer-reader.ts";

const read = (text: string) => new AnswerReader().push(Buffer.from(text, "latin1"));

test("an answer is whole only with its last byte, whatever its framing", () => {
  for (const text of [
    "HTTP/1.1 200 OK\r\nX-Backend: b1\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
  ]) {
    const reader = new AnswerReader();
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0; at < bytes.length - 1; at++) {
      assert.equal(reader.push(bytes.subarray(at, at + 1)), null);
      assert.ok(reader.midway);
    }
    const answer = reader.push(bytes.subarray(-1));
    assert.equal(answer?.body, "hello");
    assert.equal(answer?.status, 200);
    assert.ok(!reader.midway);
  }
});

test("what is no answer, has no framing, or goes on after its end is refused", () => {
  assert.throws(() => read("\x16\x03\x01 garbage\r\n\r\n"), /no status line/);
  assert.throws(() => read("HTTP/1.1 200 OK\r\n\r\nhello"), /no framing/);
  assert.throws(() => read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello"), /3 bytes came after/);
  assert.throws(
    () => read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n"),
    /longer than it says/,
  );
});
