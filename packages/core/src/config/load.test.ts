import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { loadConfig, type ConfigLayers } from "./load.ts";
import { ConfigError, formatProblem } from "./problem.ts";
import { durationSchema, intOption, secret } from "./schema-blocks.ts";

const schema = z.strictObject({
  logLevel: z.enum(["debug", "info"]).prefault("info"),
  retries: intOption({ min: 0, max: 10 }).prefault(2),
  wait: durationSchema.prefault("1s"),
  name: z.string().min(2).optional(),
  apiKey: secret(z.string().max(3)).optional(),
  explain: z.strictObject({ header: z.string().optional(), max: z.number().optional() }).optional(),
  match: z.union([z.string(), z.strictObject({ header: z.string() })]).optional(),
  routes: z
    .array(
      z
        .strictObject({
          listen: z.string(),
          protocol: z.enum(["http", "tcp"]),
          endpoints: z.array(z.string()).min(1),
          retries: intOption({ min: 0, max: 10 }).prefault(2),
          tls: z.strictObject({ caFile: z.string().min(2) }).optional(),
        })
        .refine(({ protocol, retries }) => protocol !== "tcp" || retries === 2, {
          path: ["retries"],
          error: "tcp cannot retry: remove retries, or use protocol http",
        }),
    )
    .prefault([]),
});

async function problemsOf(layers: ConfigLayers): Promise<string[]> {
  try {
    await loadConfig(schema, layers);
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, String(thrown));
    return thrown.problems.map(formatProblem);
  }
  return assert.fail("the configuration was accepted");
}
const file = (text: string): ConfigLayers => ({ file: { name: "c.yaml", text } });

test("nothing given is the defaults", async () => {
  assert.deepEqual(await loadConfig(schema, {}), { logLevel: "info", retries: 2, wait: 1000, routes: [] });
  assert.deepEqual(await loadConfig(schema, file("# only a comment\n")), await loadConfig(schema, {}));
});

test("a flag is stronger than the environment, that than the file, that than the default", async () => {
  const layers = {
    file: { name: "c.yaml", text: "logLevel: debug\nretries: 3\nwait: 3s\nname: file\nexplain: {max: 1}" },
    inline: { name: "OUTRIGGER_CONFIG", text: "retries: 4\nwait: 4s\nname: inline" },
    keys: [
      { source: "OUTRIGGER_WAIT", key: ["wait"], text: "5s" },
      { source: "OUTRIGGER_NAME", key: ["name"], text: "env" },
      { source: "--name", key: ["name"], text: "flag" },
      { source: "--explain-header", key: ["explain", "header"], text: "x-why" },
    ],
  };
  assert.deepEqual(await loadConfig(schema, layers), {
    logLevel: "debug",
    retries: 4,
    wait: 5000,
    name: "flag",
    explain: { max: 1, header: "x-why" },
    routes: [],
  });
});

test("routes from flags replace those of the file, and their text is coerced", async () => {
  const text =
    "routes:\n  - {listen: '1', protocol: http, endpoints: [file:1]}\n  - {listen: '2', protocol: http, endpoints: [file:2]}";
  const routes = [{ source: "--route", text: "8001=http://a:80?retries=5" }];
  const config = await loadConfig(schema, { ...file(text), routes });
  assert.deepEqual(config.routes, [{ listen: "8001", protocol: "http", endpoints: ["a:80"], retries: 5 }]);
  assert.equal((await loadConfig(schema, { ...file(text), routes: [] })).routes.length, 2);
});

test("JSON is read as it is", async () => {
  assert.equal((await loadConfig(schema, file('{\n\t"retries": 7\n}'))).retries, 7);
});

test("a variable's value cannot inject structure", async () => {
  const env = { NAME: "x\nretries: 9\n", RETRIES: "4" };
  const config = await loadConfig(schema, { ...file("name: ${NAME}\nretries: ${RETRIES}"), env });
  assert.equal(config.name, "x\nretries: 9\n");
  assert.equal(config.retries, 4);
});

for (const [sentence, text, expected] of [
  [
    "a wrong value",
    "retries: many",
    ['c.yaml:1:10: retries: found "many", accepted: a whole number from 0 to 10'],
  ],
  ["a wrong type", "name: 5", ["c.yaml:1:7: name: found 5, accepted: a text"]],
  [
    "a mapping for a duration",
    "wait: {s: 1}",
    ["c.yaml:1:7: wait: found a mapping, accepted: a duration with its unit, for example 250ms, 1.5s, 2m"],
  ],
  [
    "a key without a value",
    "retries:\n",
    ["c.yaml:1:9: retries: found nothing, accepted: a whole number from 0 to 10"],
  ],
  [
    "a value that is not of the list",
    "logLevel: loud",
    ['c.yaml:1:11: logLevel: found "loud", accepted: "debug", "info"'],
  ],
  ["a text too short", "name: x", ['c.yaml:1:7: name: found "x", accepted: at least 2 characters']],
  [
    "a list too short",
    "routes: [{listen: '1', protocol: http, endpoints: []}]",
    ["c.yaml:1:51: routes[0].endpoints: found an empty list, accepted: at least 1 items"],
  ],
  [
    "a missing key",
    "routes:\n- listen: '1'\n  protocol: http\n",
    ["c.yaml:2:3: routes[0].endpoints: missing, accepted: a list of: a text"],
  ],
  [
    "unknown keys at any depth, each at its place",
    "retires: 3\nroutes:\n- listen: '1'\n  protocol: http\n  endpoints: [a]\n  tls: {cafile: /x, caFile: /x}\n  zzz: 1",
    [
      "c.yaml:6:9: routes[0].tls.cafile: unknown key (did you mean caFile?), accepted: caFile",
      "c.yaml:7:3: routes[0].zzz: unknown key, accepted: listen, protocol, endpoints, retries, tls",
      "c.yaml:1:1: retires: unknown key (did you mean retries?), accepted: logLevel, retries, wait, name, apiKey, explain, match, routes",
    ],
  ],
  [
    "a rule between keys",
    "routes:\n- {listen: '1', protocol: tcp, endpoints: [a], retries: 5}",
    ["c.yaml:2:57: routes[0].retries: tcp cannot retry: remove retries, or use protocol http"],
  ],
  [
    "the branch of a union that comes closest",
    "match: {headr: x}",
    [
      "c.yaml:1:1: match.header: missing, accepted: a text",
      "c.yaml:1:9: match.headr: unknown key (did you mean header?), accepted: header",
    ],
  ],
  [
    "a value that fits no branch of a union",
    "match: 5",
    ["c.yaml:1:8: match: found 5, accepted: a text, or a mapping"],
  ],
  [
    "what stands after an @, not before it",
    "retries: me:hunter2@5",
    ['c.yaml:1:10: retries: found "[redacted]@5", accepted: a whole number from 0 to 10'],
  ],
  [
    "a secret without showing it",
    "apiKey: hunter2",
    ["c.yaml:1:9: apiKey: found a value that is not shown, accepted: at most 3 characters"],
  ],
  [
    "__proto__ as the unknown key that it is",
    "__proto__: {retries: 5}",
    [
      "c.yaml:1:1: __proto__: unknown key, accepted: logLevel, retries, wait, name, apiKey, explain, match, routes",
    ],
  ],
  [
    "broken YAML",
    "a: [1\nb: 2",
    [
      "c.yaml:2:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  ],
  ["a key given twice", "retries: 1\nretries: 2", ["c.yaml:2:1: not YAML: Map keys must be unique"]],
  [
    "a key that is no text",
    "? {a: 1}\n: 2",
    ["c.yaml:1:3: not YAML: With stringKeys, all keys must be strings"],
  ],
  ["a list at the root", "- a", ["c.yaml:1:1: found a list or a single value, accepted: a mapping of keys"]],
  [
    "two documents",
    "retries: 1\n---\nretries: 2",
    ["c.yaml:2:1: not YAML: a second document begins: write one document a file, without a --- between"],
  ],
  [
    "an unknown tag",
    "name: !!js/function x",
    [
      "c.yaml:1:7: not YAML: a tag (a value that begins with !) is not known here: quote the value if it is text",
    ],
  ],
  [
    "an unset variable, at its place",
    "name: ab\nroutes:\n- {listen: '${PORT}', protocol: http, endpoints: [a]}",
    [
      "c.yaml:3:12: routes[0].listen: variable PORT is not set: set it, write ${PORT:-default}, or $$ for a dollar sign",
    ],
  ],
  [
    "a long value only in part",
    `logLevel: ${"x".repeat(500)}`,
    [`c.yaml:1:11: logLevel: found "${"x".repeat(56)}..., accepted: "debug", "info"`],
  ],
] as const) {
  test(`an error shows ${sentence}`, async () =>
    assert.deepEqual(await problemsOf({ ...file(text), env: {} }), expected));
}

/** Everything in it that may be a secret says so. */
const strict = z.strictObject({
  one: z.string().refine((text) => text === "", {
    error: ({ input }) =>
      `${JSON.stringify(input)} is wrong: ${JSON.stringify(String(input).slice(3))} is bad`,
  }),
  list: z
    .union([z.array(z.string()), z.string()])
    .transform((items) => (typeof items === "string" ? items.split(",") : items))
    .pipe(
      z.array(
        z.string().refine(() => false, { error: ({ input }) => `${JSON.stringify(input)} is "no" item` }),
      ),
    ),
  token: z.string().refine(() => false, { error: ({ input }) => `${JSON.stringify(input)} is no "token"` }),
  passwords: z.array(z.number()),
});

test("no error shows what stands before an @, nor anything under a key that is named like a secret", async () => {
  const text = [
    "one: me:hunter2@host",
    "list: 'a:80,redis://me:hunter2@b:80'",
    "token: hunter2",
    "passwords: [hunter2, {x: hunter2}]",
  ].join("\n");
  const thrown: unknown = await loadConfig(strict, file(text)).catch((error: unknown) => error);
  assert.ok(thrown instanceof ConfigError);
  assert.doesNotMatch(thrown.message, /hunter2/);
  assert.deepEqual(thrown.problems.map(formatProblem), [
    'c.yaml:1:6: one: "[redacted]@host" is wrong: "[redacted]@host" is bad',
    'c.yaml:2:1: list[0]: "[redacted]" is "no" item',
    'c.yaml:2:1: list[1]: "redis://[redacted]@b:80" is "no" item',
    'c.yaml:3:8: token: "[redacted]" is no "token"',
    "c.yaml:4:13: passwords[0]: found a value that is not shown, accepted: a number",
    "c.yaml:4:22: passwords[1]: found a value that is not shown, accepted: a number",
  ]);
});

test("an error of a route's line masks what may be a secret in the line, whichever part is wrong", async () => {
  const routes = [
    { source: "--route", text: "8001=http://a:80?x=1&y=u:hunter2@h" },
    { source: "--route", text: "8002=http://me:hunter2@a:80" },
  ];
  const problems = await problemsOf({ routes });
  assert.equal(problems.length, 3);
  assert.doesNotMatch(problems.join("\n"), /hunter2/);
  assert.match(problems.join("\n"), /  8002=http:\/\/\*{10}@a:80\n/);
});

test("nothing of what is no YAML is quoted: a secret may stand on another line than its key", async () => {
  for (const [text, line] of [
    ["password: !hunter2zz x", 1],
    ["a: 1\nauthToken: *hunter2zz", 2],
    ["password:\n  *hunter2zz", 2],
    ["password:\n  - !hunter2zz x", 2],
    ["password:\n    !!hunter2zz foo", 2],
    ["secret:\n  k: *hunter2zz", 2],
    ["password: |-\n  X\n\tx: *hunter2zz", 3],
    ["password: |hunter2zz\n", 1],
    ['password: "\\Uhunter2zz"', 1],
    ["password: !<hunter2zz", 1],
    ["password: !h!hunter2zz x", 1],
    ["password: !!map hunter2zz", 1],
    ["password: &hunter2zz\n- *hunter2zz", 2],
    ["password: `hunter2zz", 1],
    ["password: { hunter2zz", 1],
    ["%hunter2zz\n---\na: 1", 1],
    ["password:\n  hunter2zz\n  hunter2zz: x: hunter2zz", 2],
  ] as const) {
    const problems = (await problemsOf(file(text))).join("\n");
    assert.doesNotMatch(problems, /unter|zz/, text);
    assert.match(problems, /^c\.yaml:\d+:\d+: not (?:YAML|usable): \w/, text);
    assert.ok(problems.startsWith(`c.yaml:${line}:`), `${text}: ${problems}`);
  }
});

test("the value of an option that is unknown, or of a parameter whose name looks secret, is not shown", async () => {
  for (const text of [
    "8001=http://a:80?kye=hunter2&retries=99",
    "8001=http://a:80?retries=99&kye.x=hunter2&other=hunter2",
    "8001=http://a:80?retries=99&name=http:/x?token=a?hunter2",
    "8001=http://a:80?retries=99&pwd=hunter2",
    "8001=http://a:80?retries=99&auth=hunter2",
    "8001=http://a:80?retries=99&bearer=hunter2",
    "8001=http://a:80?retries=99&authorization=hunter2",
    "8001=http://a:80?retries=99&api_key=hunter2",
  ]) {
    const problems = (await problemsOf({ routes: [{ source: "--route", text }] })).join("\n");
    assert.doesNotMatch(problems, /hunter2/, problems);
    assert.match(problems, /8001=http/);
  }
});

test("all problems of all layers come at once, each at its own place", async () => {
  assert.deepEqual(
    await problemsOf({
      file: { name: "c.yaml", text: "retries: 99\nwait: 5" },
      inline: { name: "OUTRIGGER_CONFIG", text: "\nwait: soon" },
      keys: [{ source: "OUTRIGGER_LOG_LEVEL", key: ["logLevel"], text: "loud" }],
      routes: [
        { source: "--route", text: "8001=http://a:80?retries=x&tls.caFile=y" },
        { source: "--route", text: "8002=smtp://a:80" },
      ],
      problems: [{ where: "--zzz", key: "", message: "unknown flag" }],
    }),
    [
      "--zzz: unknown flag",
      'OUTRIGGER_LOG_LEVEL: logLevel: found "loud", accepted: "debug", "info"',
      "c.yaml:1:10: retries: found 99, accepted: a whole number from 0 to 10",
      'OUTRIGGER_CONFIG:2:7: wait: found "soon", accepted: a duration with its unit, for example 250ms, 1.5s, 2m',
      `--route, column 18: routes[0].retries: found "x", accepted: a whole number from 0 to 10\n  8001=http://a:80?retries=x&tls.caFile=y\n${" ".repeat(19)}^`,
      `--route, column 28: routes[0].tls.caFile: found "y", accepted: at least 2 characters\n  8001=http://a:80?retries=x&tls.caFile=y\n${" ".repeat(29)}^`,
      `--route, column 6: routes[1].protocol: found "smtp", accepted: "http", "tcp"\n  8002=smtp://a:80\n${" ".repeat(7)}^`,
    ],
  );
});

test("a route that cannot be read says where in it, and does not hide other errors", async () => {
  assert.deepEqual(
    await problemsOf({
      routes: [
        { source: "OUTRIGGER_ROUTES", text: "8001" },
        { source: "OUTRIGGER_ROUTES", text: "8002=http://a/b" },
        { source: "OUTRIGGER_ROUTES", text: "8003=smtp://a" },
      ],
      keys: [{ source: "--retries", key: ["retries"], text: "x" }],
    }),
    [
      `OUTRIGGER_ROUTES, column 5: expected "=" after the port to listen on, as in 8001=http://catalog:8080\n  8001\n${" ".repeat(6)}^`,
      `OUTRIGGER_ROUTES, column 14: a target is HOST[:PORT] without a path: remove the "/" and what follows\n  8002=http://a/b\n${" ".repeat(15)}^`,
      '--retries: retries: found "x", accepted: a whole number from 0 to 10',
      `OUTRIGGER_ROUTES, column 6: routes[2].protocol: found "smtp", accepted: "http", "tcp"\n  8003=smtp://a\n${" ".repeat(7)}^`,
    ],
  );
});

test("the message of the whole counts the problems", async () => {
  await assert.rejects(loadConfig(schema, file("retries: x\nwait: 1")), {
    code: "bad-config",
    message: /^2 problems in the configuration:\nc\.yaml:1:10: /,
  });
});

test("an alias bomb is refused, not expanded", async () => {
  const bomb = [
    "a0: &a0 [x, x]",
    ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`),
  ];
  assert.deepEqual(await problemsOf(file(bomb.join("\n"))), [
    "c.yaml: not usable: its aliases multiply into more than 100: write out what they stand for",
  ]);
});

for (const [sentence, text, expected] of [
  [
    "without an anchor",
    "name: *x",
    "c.yaml:1:7: not usable: an alias (a value that begins with *) has no anchor of that name before it",
  ],
  [
    "in its own list",
    "routes: &r\n- *r",
    "c.yaml:2:3: not usable: an alias (a value that begins with *) stands inside of what it stands for",
  ],
  [
    "in its own mapping",
    "explain: &e\n  x: {y: *e}",
    "c.yaml:2:10: not usable: an alias (a value that begins with *) stands inside of what it stands for",
  ],
] as const) {
  test(`an alias ${sentence} is said with its place`, async () =>
    assert.deepEqual(await problemsOf(file(text)), [expected]));
}

test("nesting without end is one problem, whether YAML's own stack ends at it or not", async () => {
  for (const depth of [150, 5_000, 200_000]) {
    const problems = await problemsOf(file(`routes: ${"[".repeat(depth)}${"]".repeat(depth)}`));
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^c\.yaml:1:\d+: not usable: nested deeper than 100 levels$/);
  }
});

test("of a slip that makes many errors of YAML the first ten are shown", async () => {
  assert.equal((await problemsOf(file("a: {]\n".repeat(50)))).length, 10);
});

test("an alias of what was written once is what was written", async () => {
  const text = "explain: &e {max: 1}\nroutes: [&r {listen: '1', protocol: http, endpoints: [a]}, *r]";
  assert.equal((await loadConfig(schema, file(text))).routes.length, 2);
});
