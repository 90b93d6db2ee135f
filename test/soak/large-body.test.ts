import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { receiveBody, sendBody } from "./large-body.ts";

test("what is received with stops has the count and the hash of what was sent; one piece less has not", async () => {
  const pipe = new PassThrough();
  const receiving = receiveBody(pipe, { every: 200_000, pause: 1 });
  const sent = await sendBody(pipe, 1_000_000);
  pipe.end();
  const { bytes, sha256, stopped } = await receiving;
  assert.deepEqual({ bytes, sha256 }, sent);
  assert.equal(stopped, 4, "at the first piece, and after each 200,000 bytes from there");

  const other = new PassThrough();
  const receivingOther = receiveBody(other, { every: Infinity, pause: 0 });
  const shorter = await sendBody(other, 1_000_000 - 65_536);
  other.end();
  assert.notEqual((await receivingOther).sha256, sent.sha256);
  assert.notEqual(shorter.sha256, sent.sha256);
});

test("a receiver that breaks the connection ends the sender instead of hanging it", async () => {
  const pipe = new PassThrough();
  const sending = sendBody(pipe, 10_000_000);
  pipe.destroy();
  await assert.rejects(sending, /broke/);
});
