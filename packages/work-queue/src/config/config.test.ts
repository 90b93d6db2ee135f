import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWorkQueueConfig } from "./config.ts";

const backendOf = (backend: string) => parseWorkQueueConfig({ backend }).backend;

test("only a worker can end with the last job", () => {
  const config = { backend: "redis://r", drainAndExit: true };
  assert.throws(() => parseWorkQueueConfig(config), /only role worker can/);
  assert.equal(parseWorkQueueConfig({ ...config, role: "worker" }).drainAndExit, true);
});

test("a rate is a number and its time", () => {
  const rate = (text: string) => parseWorkQueueConfig({ backend: "embedded:x", rate: text }).rate;
  assert.deepEqual(rate("10/s"), { max: 10, span: 1_000 });
  assert.deepEqual(rate("600/2m"), { max: 600, span: 120_000 });
  for (const text of ["10", "0/s", "10/", "-1/s", "10/0s", "10/25h", "1.5/s", "10 / s"])
    assert.throws(() => rate(text), /accepted: a number and its time: 10\/s/, text);
});

test("a backend is a folder, a Redis or a Postgres", () => {
  assert.deepEqual(backendOf("embedded:/var/lib/q"), { kind: "embedded", folder: "/var/lib/q" });
  assert.deepEqual(backendOf("embedded:q"), { kind: "embedded", folder: "q" });
  for (const url of ["redis://r", "redis://me@r:6379/", "rediss://[::1]:6380", "unix:///run/r.sock"])
    assert.deepEqual(backendOf(url), { kind: "redis", url });
  for (const url of ["postgres://u@db/q", "postgresql://u@db:5432/q"])
    assert.deepEqual(backendOf(url), { kind: "postgres", url });
});

test("what is none, or a database of Redis other than the first, is refused with what is accepted", () => {
  for (const backend of ["", "embedded:", "redis://", "redis://r/1", "mysql://x/y", "/var", "redis"])
    assert.throws(
      () => backendOf(backend),
      /accepted: embedded:FOLDER, redis:|redis:\/\/\[USER@\]HOST|only database 0/,
      backend,
    );
});

test("a password in an address is refused, is not shown, and has its place in a file", () => {
  for (const backend of ["redis://:hunter2@r", "rediss://u:hunter2@r:6379/", "postgres://u:hunter2@db/q"])
    assert.throws(
      () => backendOf(backend),
      (thrown: Error) =>
        /put it into a file and name that \(passwordFile\)/.test(thrown.message) &&
        !thrown.message.includes("hunter2"),
      backend,
    );
  assert.throws(() => backendOf("redis://r?family=6"), /it has a \?/);
  assert.throws(
    () => parseWorkQueueConfig({ backend: "embedded:q", passwordFile: "/run/secret" }),
    /only redis:\/\/ and postgres:\/\/ have one/,
  );
  assert.throws(
    () => parseWorkQueueConfig({ backend: "postgres://u@db/q?sslmode=require", caFile: "/ca.pem" }),
    /says something else of TLS/,
  );
});

test("a request is not known longer by its key than its answer is kept", () => {
  const config = { backend: "redis://r", keepAnswers: "10m" };
  assert.throws(() => parseWorkQueueConfig(config), /idempotencyWindow|at most keepAnswers/);
  parseWorkQueueConfig({ ...config, idempotencyWindow: "10m" });
});

test("concurrency is a number or adaptive", () => {
  const of = (concurrency: string | number) =>
    parseWorkQueueConfig({ backend: "redis://r", concurrency }).concurrency;
  assert.deepEqual([of(7), of("12"), of("adaptive")], [7, 12, "adaptive"]);
  for (const bad of [0, 1.5, -1, "", "0", "many", 10_001])
    assert.throws(() => of(bad), /accepted: a whole number from 1 to 10000, or adaptive/, String(bad));
});

test("a scaler is the front's: a worker that is to end cannot be asked", () => {
  const there = { host: "127.0.0.1", port: 14042 };
  const of = (role: "front" | "both" | "worker") =>
    parseWorkQueueConfig({ backend: "redis://r", role, scaler: "127.0.0.1:14042" }).scaler;
  assert.deepEqual([of("front"), of("both")], [there, there]);
  assert.throws(() => of("worker"), /give it to the front \(role front or both\)[^]*scaler/);
  assert.equal(parseWorkQueueConfig({ backend: "redis://r" }).scaler, undefined);
});

test("webhooks are URLs of http or https, no link-local address, and are signed", () => {
  const of = (webhooks: string, webhookSecretFile?: string) =>
    parseWorkQueueConfig({ backend: "redis://r", webhooks, ...(webhookSecretFile && { webhookSecretFile }) });
  assert.deepEqual(of("http://a/x,https://b:1/", "/key").webhooks, ["http://a/x", "https://b:1/"]);
  assert.deepEqual(of("").webhooks, []);
  assert.throws(() => of("http://a/"), /name a file with a key to sign with[^]*webhookSecretFile/);
  for (const bad of ["a", "ftp://a/", "http://u@a/", "http://169.254.169.254/latest", "http://[fe80::1]/"])
    assert.throws(() => of(`http://fine/,${bad}`, "/key"), /accepted: http:|link-local/, bad);
});

test("a program that reads files has an absolute folder, and neither passes nor readiness", () => {
  const of = (more: object) =>
    parseWorkQueueConfig({ backend: "redis://r", workload: "files:/work/of it", ...more });
  assert.equal(of({}).workload, "files:/work/of it");
  for (const role of ["front", "both"])
    assert.throws(
      () => of({ role, rules: "GET *=pass; /a=queue; /b=pass" }),
      /nothing can pass to a program that reads files \(files:\/work\/of it\): take out, or queue, GET \*=pass; \/b=pass[^]*rules/,
    );
  assert.throws(() => of({ ready: "/healthz" }), /cannot be asked: take it out[^]*ready/);
  of({ rules: "/a=queue?priority=5", ready: "tcp" });
  for (const workload of ["files:", "files:work", "file:/work", "https://w", "w", "files:/a\0b"])
    assert.throws(() => of({ workload }), /accepted: http:\/\/HOST:PORT of the workload, or files:\/FOLDER/);
  for (const workload of ["files://work", "files://[", "files://a b/x", "files:///work", "files://"])
    assert.throws(
      () => of({ workload }),
      /files:\/\/ would name a host: write files:\/FOLDER, with one slash; accepted: http/,
      workload,
    );
});
