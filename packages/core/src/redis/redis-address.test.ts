import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutriggerError } from "../errors.ts";
import { parseRedisUrl } from "./redis-address.ts";

describe("the address of a Redis", () => {
  for (const [text, expected] of [
    ["redis://r", { at: { host: "r", port: 6379, tls: false }, username: null, db: 0 }],
    ["rediss://me@r:7000/2", { at: { host: "r", port: 7000, tls: true }, username: "me", db: 2 }],
    ["redis://[::1]:7000/", { at: { host: "::1", port: 7000, tls: false }, username: null, db: 0 }],
    ["unix:///run/redis.sock?db=1", { at: { path: "/run/redis.sock" }, username: null, db: 1 }],
  ] as const)
    it(`${text} is read`, () => assert.deepEqual(parseRedisUrl(text), expected));

  for (const [text, why] of [
    ["redis", /it is no URL/],
    ["http://r", /http: is none of them/],
    ["redis://me:hunter2@r", /a password stands in it: put it into a file/],
    ["redis://r/x", /x is no number of a database/],
    ["redis://r?db=1", /it has a \?/],
    ["redis://r#1", /it has a #/],
    ["redis:///1", /it has no host/],
    ["unix://r/p", /no path of a socket/],
    ["unix:///p?x=1", /something else beside it/],
  ] as const)
    it(`${text} is refused`, () =>
      assert.throws(
        () => parseRedisUrl(text),
        (error: OutriggerError) => {
          assert.equal(error.code, "bad-redis-url");
          assert.match(error.message, why);
          assert.match(error.message, /redis:\/\/\[USER@\]HOST/);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      ));
});
