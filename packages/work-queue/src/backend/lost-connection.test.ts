import { OutriggerError } from "@outrigger/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLost, lostOr } from "./lost-connection.ts";

const said = (text: string, more: object): Error => Object.assign(new Error(text), more);
class Refusal extends Error {}

const CASES: readonly (readonly [isLost: boolean, what: string, thrown: unknown])[] = [
  [true, "pg, of a socket that closed", new Error("Connection terminated unexpectedly")],
  [true, "ioredis, of a socket that closed", new Error("Connection is closed.")],
  [true, "ioredis, of a command", said("Reached the max retries", { name: "MaxRetriesPerRequestError" })],
  [true, "a socket", said("connect ECONNREFUSED", { code: "ECONNREFUSED" })],
  [true, "each address of a name", new AggregateError([new Error("a"), new Error("b")])],
  [true, "Postgres, which ends", said("terminating connection", { severity: "FATAL", code: "57P01" })],
  [
    true,
    "Postgres, which is full",
    said("sorry, too many clients already", { severity: "FATAL", code: "53300" }),
  ],
  [true, "a standby", said("cannot execute CREATE", { severity: "ERROR", code: "25006" })],
  [true, "Redis, which loads", said("LOADING Redis is loading", { name: "ReplyError" })],
  [true, "a replica", said("READONLY You can't write", { name: "ReplyError" })],
  [
    true,
    "a replica, of a script, before Redis 7",
    said(
      "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write",
      {
        name: "ReplyError",
      },
    ),
  ],
  [false, "a key of that name", said("WRONGTYPE Operation against READONLY: x", { name: "ReplyError" })],
  [false, "a missing right", said("permission denied", { severity: "ERROR", code: "42501" })],
  [
    false,
    "a pooler that takes no options",
    said("unsupported startup parameter", { severity: "FATAL", code: "08P01" }),
  ],
  [false, "a wrong password", said("WRONGPASS", { name: "ReplyError" })],
  [
    false,
    "a Redis too old",
    new Error("Redis version needs to be greater or equal than 5.0.0 Current: 4.0.0"),
  ],
  [false, "a file", said("no such file", { code: "ENOENT" })],
  [false, "a package", said("Cannot find package", { code: "ERR_MODULE_NOT_FOUND" })],
  [false, "a refusal of BullMQ's", new Refusal("the schema is too new")],
  [false, "a fault of ours", new TypeError("x is not a function")],
  [false, "a word of ours", new OutriggerError("not-durable", "it keeps no file")],
];
for (const [expected, what, thrown] of CASES)
  test(`${what}: ${expected ? "the backend is away" : "it stays what it is"}`, () => {
    assert.equal(isLost(thrown), expected);
    if (!expected) assert.equal(lostOr(thrown), thrown);
  });

test("of a name with several addresses each is told", () => {
  assert.match((lostOr(new AggregateError([new Error("a"), new Error("b")])) as Error).message, /: a; b$/);
});
