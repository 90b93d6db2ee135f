import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, type LoggerOptions } from "./pino-logger.ts";

function capture(options: LoggerOptions = {}) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    assert.ok(line.endsWith("\n"));
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { lines, log: createLogger({ ...options, destination: { write } }) };
}

test("a line is JSON with ISO time, the level as a word, the fields and the sentence", () => {
  const { lines, log } = capture({ fields: { pattern: "p" } });
  log.warn({ endpoint: "a:80" }, "ejected");
  const [{ time, ...rest } = {}] = lines;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: "warn", pattern: "p", endpoint: "a:80", msg: "ejected" });
});

test("the level holds for children made before it was set", () => {
  const { lines, log } = capture({ level: "warn" });
  const child = log.child({ upstream: "catalog" }).child({ endpoint: "a" });
  child.info({}, "unheard");
  log.setLevel("debug");
  child.debug({}, "heard");
  log.setLevel("error");
  child.warn({}, "unheard");
  assert.deepEqual(
    lines.map(({ msg, upstream, endpoint }) => [msg, upstream, endpoint]),
    [["heard", "catalog", "a"]],
  );
  assert.equal(log.level, "error");
});

test("secrets in fields are not written", () => {
  const { lines, log } = capture();
  log.info(
    { password: "x", headers: { authorization: "Bearer x", Cookie: "x", accept: "y" }, passwordFile: "/p" },
    "m",
  );
  const { password, headers, passwordFile } = lines[0] ?? {};
  assert.deepEqual(
    [password, headers, passwordFile],
    ["[redacted]", { authorization: "[redacted]", Cookie: "[redacted]", accept: "y" }, "/p"],
  );
});

test("the userinfo of a URL is not written, wherever in a line it stands; other text with an @ is", () => {
  const { lines, log } = capture();
  const error = new Error("cannot reach redis://me:hunter2@host:6379", {
    cause: new Error("ftp://me:hunter2@h"),
  });
  log.error(
    { error, list: ["http://hunter2@h/p"], at: "a@b", path: "http://h/@scope/x" },
    "redis://u:hunter2@h",
  );
  const text = JSON.stringify(lines[0]);
  assert.doesNotMatch(text, /hunter2/);
  assert.deepEqual(
    [lines[0]?.["list"], lines[0]?.["at"], lines[0]?.["path"], lines[0]?.["msg"]],
    [["http://[redacted]@h/p"], "a@b", "http://h/@scope/x", "redis://[redacted]@h"],
  );
});

test("an error is written with its code, stack and causes; what is no error, as text", () => {
  const { lines, log } = capture();
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  log.error({ error: new TypeError("failed", { cause }) }, "m");
  log.error({ error: "only text" }, "m");
  const [first, second] = lines as { error: Record<string, unknown> & { cause: Record<string, unknown> } }[];
  assert.equal(first?.error["type"], "TypeError");
  assert.match(String(first?.error["stack"]), /pino-logger\.test/);
  assert.equal(first?.error.cause["code"], "ECONNREFUSED");
  assert.deepEqual(second?.error, { type: "string", message: "only text" });
});

test("two loggers in one process have levels of their own", () => {
  const [one, two] = [capture(), capture()];
  one.log.setLevel("error");
  two.log.info({}, "heard");
  assert.equal(two.lines.length, 1);
});
