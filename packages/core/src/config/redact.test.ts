import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
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

test("of a URL or a path the parameters whose names look secret are redacted, and nothing else", () => {
  assert.deepEqual(
    redactByName({
      health: "http:/x?token=hunter2?zz",
      many: "http://h/x?a=1&api_key=s&b=2#f",
      nested: "/p?next=/q?sig=s&c=3",
      both: "http://u:p@h/?password=s",
      plain: "http:/x?verbose=1&keys=2",
      list: ["/x?access_token=s"],
    }),
    {
      health: "http:/x?token=[redacted]",
      many: "http://h/x?a=1&api_key=[redacted]&b=2#f",
      nested: "/p?next=/q?sig=[redacted]&c=3",
      both: "http://[redacted]@h/?password=[redacted]",
      plain: "http:/x?verbose=1&keys=2",
      list: ["/x?access_token=[redacted]"],
    },
  );
});
