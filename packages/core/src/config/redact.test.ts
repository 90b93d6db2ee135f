import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { inputJsonSchema } from "./json-schema.ts";
import { redact, redactByName } from "./redact.ts";
import { secret } from "./schema-blocks.ts";

test("what the schema marks is redacted at any depth, also behind unions, records and lists", () => {
  const auth = z.union([z.string(), z.strictObject({ pin: secret(z.number()), user: z.string() })]);
  const schema = z.strictObject({
    auth: auth.optional(),
    list: z.array(auth).optional(),
    named: z.record(z.string(), auth).optional(),
    whole: secret(z.strictObject({ a: z.string() })).optional(),
  });
  const login = { pin: 1234, user: "me" };
  assert.deepEqual(
    redact({ auth: login, list: [login], named: { x: login }, whole: { a: "b" } }, inputJsonSchema(schema)),
    {
      auth: { pin: "[redacted]", user: "me" },
      list: [{ pin: "[redacted]", user: "me" }],
      named: { x: { pin: "[redacted]", user: "me" } },
      whole: "[redacted]",
    },
  );
});

test("what a name or a URL says to be secret is redacted even unmarked; files that hold secrets are only names", () => {
  assert.deepEqual(
    redactByName({
      password: "x",
      passwordFile: "/p",
      nested: { apiToken: "x", tokens: { a: "b" } },
      url: "redis://u:p@h:1",
      odd: "redis://u:p/w@x@h:1",
      bare: "u:p@h",
      mail: "a@b",
      n: null,
    }),
    {
      password: "[redacted]",
      passwordFile: "/p",
      nested: { apiToken: "[redacted]", tokens: { a: "b" } },
      url: "redis://[redacted]@h:1",
      odd: "redis://[redacted]@h:1",
      bare: "[redacted]@h",
      mail: "a@b",
      n: null,
    },
  );
});
