/** Methods by their bytes. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { Head } from "./head.ts";
import { methodOf } from "./method.ts";

const read = (method: string): ReturnType<typeof methodOf> => {
  const bytes = Buffer.from(`##${method} / HTTP/1.1\r\nHost: a\r\n\r\n`, "latin1");
  const head = new Head({ maxBytes: 1024, maxFields: 10 });
  assert.ok(head.readRequest(bytes, 2, bytes.length) > 0);
  return methodOf(head);
};

it("the idempotent methods are those of RFC 9110 section 9.2.2, and no other", () => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
    assert.deepEqual(read(method), { name: method, idempotent: true });
  for (const method of ["POST", "PATCH"]) assert.deepEqual(read(method), { name: method, idempotent: false });
});

it("a method that only looks like one of them must not be repeated", () => {
  for (const method of ["get", "GETS", "GE", "PUP", "HEAT", "DELETES", "MKCOL", "PROPFIND", "G"])
    assert.equal(read(method).idempotent, false, method);
});
