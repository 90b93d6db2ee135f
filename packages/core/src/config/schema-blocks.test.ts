import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import {
  booleanOption,
  durationOption,
  durationSchema,
  filePathSchema,
  formatHostPort,
  hostPortSchema,
  intListOption,
  intOption,
  listOption,
  numberOption,
  parseHostPort,
  portSchema,
  secret,
  sizeOption,
  sizeSchema,
} from "./schema-blocks.ts";
import { inputJsonSchema } from "./json-schema.ts";

function refusal(schema: z.ZodType, input: unknown): string {
  const result = schema.safeParse(input);
  assert.ok(!result.success, `${JSON.stringify(input)} was accepted`);
  return result.error.issues.map(({ message }) => message).join("; ");
}

for (const [name, schema, input, output] of [
  ["an integer from YAML", intOption(), 3, 3],
  ["an integer from text", intOption({ min: 0 }), "3", 3],
  ["a number from text", numberOption(), "0.25", 0.25],
  ["a boolean from YAML", booleanOption(), false, false],
  ["a boolean from text", booleanOption(), "true", true],
  ["a list from YAML", listOption(), ["a", "b"], ["a", "b"]],
  ["a list of numbers from YAML, as texts", listOption(), [502, "x"], ["502", "x"]],
  ["a list from text", listOption(), "a, b", ["a", "b"]],
  ["an empty list from text", listOption(), "", []],
  ["a list of integers from text", intListOption(), "1, 2", [1, 2]],
  ["a list of integers from YAML", intListOption({ min: 100 }), [502, "503"], [502, 503]],
  ["a list of one integer", intListOption(), 502, [502]],
  ["a duration", durationSchema, "1.5s", 1500],
  ["a size with its unit", sizeSchema, "64Ki", 65_536],
  ["a size as a bare number", sizeSchema, 512, 512],
  ["a port from text", portSchema, "0", 0],
  ["a port alone", hostPortSchema, 80, { port: 80 }],
  ["a host and port", hostPortSchema, "a.b:80", { host: "a.b", port: 80 }],
  ["an IPv6 host and port", hostPortSchema, "[::1]:80", { host: "::1", port: 80 }],
  ["every interface", hostPortSchema, "*:80", { host: "::", port: 80 }],
  ["a path", filePathSchema, "/x", "/x"],
] as const) {
  test(`${name} is read`, () => assert.deepEqual(schema.parse(input), output));
}

for (const [schema, input, message] of [
  [intOption({ min: 0, max: 10 }), "x", "accepted: a whole number from 0 to 10"],
  [intOption({ min: 0, max: 10 }), 11, "accepted: a whole number from 0 to 10"],
  [intOption(), "1.5", "accepted: a whole number"],
  [intOption(), "", "accepted: a whole number"],
  [intOption(), "0x10", "accepted: a whole number"],
  [intOption(), null, "accepted: a whole number"],
  [numberOption({ min: 0.5 }), "0.4", "accepted: a number of at least 0.5"],
  [numberOption(), "Infinity", "accepted: a number"],
  [booleanOption(), "yes", "accepted: true or false"],
  [
    listOption(),
    "a,,b",
    "accepted: a list of texts, or one text with commas between its items; none of them empty",
  ],
  [
    listOption({ min: 1 }),
    "",
    "accepted: a list of texts, or one text with commas between its items, at least 1 items",
  ],
  [
    intListOption({ max: 599 }),
    "502,x",
    "accepted: a list of whole numbers of at most 599, or one text with commas between them",
  ],
  [durationSchema, "5", "accepted: a duration with its unit, for example 250ms, 1.5s, 2m"],
  [
    durationSchema,
    "9999999999999h",
    "accepted: a duration with its unit and at most 12 digits, for example 250ms, 1.5s, 2m",
  ],
  [durationSchema, 5, "accepted: a duration with its unit, for example 250ms, 1.5s, 2m"],
  [
    durationOption({ min: 100, max: 60_000 }),
    "99ms",
    "accepted: a duration from 100ms to 1m with its unit, for example 250ms, 1.5s, 2m",
  ],
  [sizeSchema, "5 apples", "accepted: a size in bytes or with a unit, for example 512, 64Ki, 1M"],
  [sizeSchema, -1, "accepted: a size in bytes or with a unit, for example 512, 64Ki, 1M"],
  [
    sizeOption({ max: 1024 }),
    "2Ki",
    "accepted: a size in bytes or with a unit of at most 1Ki, for example 512, 64Ki, 1M",
  ],
  [portSchema, 65_536, "accepted: a whole number from 0 to 65535"],
  [hostPortSchema, "::1:80", "accepted: PORT, HOST:PORT or [IPV6]:PORT, ports from 0 to 65535"],
  [hostPortSchema, "a:65536", "accepted: PORT, HOST:PORT or [IPV6]:PORT, ports from 0 to 65535"],
  [filePathSchema, "", "accepted: the path of a file"],
] as const) {
  test(`${JSON.stringify(input)} is refused: ${message}`, () =>
    assert.equal(refusal(schema, input), message));
}

test("what a schema of blocks has parsed is written back as it may be read again", () => {
  const schema = z.strictObject({
    wait: durationSchema.prefault("5s"),
    buffer: sizeSchema.prefault("64Ki"),
    retries: intOption({ min: 0 }).prefault(2),
    at: hostPortSchema,
    methods: listOption().prefault("GET,HEAD"),
    on: booleanOption().optional(),
  });
  fc.assert(
    fc.property(
      fc.record({
        wait: fc.integer({ min: 0, max: 1e9 }).map((ms) => `${ms}ms`),
        buffer: fc.integer({ min: 0, max: 1e9 }),
        retries: fc.nat(),
        at: fc.oneof(
          fc.nat(65_535),
          fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([ip, port]) => `[${ip}]:${port}`),
        ),
        on: fc.boolean(),
      }),
      (input) => {
        const parsed = schema.parse(input);
        assert.deepEqual(schema.parse(z.encode(schema, parsed)), parsed);
      },
    ),
    { numRuns: 300 },
  );
  assert.deepEqual(z.encode(schema, schema.parse({ at: 80 })), {
    wait: "5s",
    buffer: "64Ki",
    retries: 2,
    at: 80,
    methods: ["GET", "HEAD"],
  });
});

test("any host and port that is written reads back as itself", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), fc.nat(65_535), (host, port) => {
      assert.deepEqual(parseHostPort(formatHostPort({ host, port })), { host, port });
    }),
  );
});

test("blocks say in JSON Schema what they take, their default, and that they are secret", () => {
  const { properties } = inputJsonSchema(
    z.strictObject({ wait: durationSchema.prefault("5s").describe("how long"), key: secret(z.string()) }),
  );
  assert.deepEqual(properties?.["wait"], {
    type: "string",
    default: "5s",
    description: "how long",
    accepts: "a duration with its unit",
  });
  assert.deepEqual(properties?.["key"], { type: "string", secret: true });
});
