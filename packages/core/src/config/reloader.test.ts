import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../errors.ts";
import { silentLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/create-metrics.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { ConfigError } from "./problem.ts";
import { ConfigReloader } from "./reloader.ts";

function setUp({ opened = true } = {}) {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const lines: { fields: object; message: string }[] = [];
  const applied: string[] = [];
  const next: { load: () => Promise<string>; apply: () => Promise<void> } = {
    load: () => Promise.resolve("new"),
    apply: () => Promise.resolve(),
  };
  const reloader = new ConfigReloader<string>({
    load: () => next.load(),
    apply: (config) => next.apply().then(() => void applied.push(config)),
    metrics,
    clock,
    log: {
      ...silentLogger,
      info: (fields, message) => lines.push({ fields, message }),
      error: (fields, message) => lines.push({ fields, message }),
    },
  });
  const figures = async () => {
    const { body } = await metrics.expose();
    const read = (series: string): number =>
      Number(
        body
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.split(" ")[1],
      );
    return {
      success: read('outrigger_config_reloads_total{result="success"}'),
      refused: read('outrigger_config_reloads_total{result="refused"}'),
      failed: read('outrigger_config_reloads_total{result="failed"}'),
      last: read("outrigger_config_last_reload_successful"),
      at: read("outrigger_config_last_reload_success_timestamp_seconds"),
    };
  };
  const start = clock.wallTime() / 1000;
  if (opened) reloader.open();
  return { clock, reloader, next, applied, lines, figures, start };
}

test("a valid configuration is applied, counted, timed and logged", async () => {
  const { clock, reloader, applied, lines, figures, start } = setUp();
  assert.deepEqual(await figures(), { success: 0, refused: 0, failed: 0, last: 1, at: start });
  clock.advance(5_000);
  assert.equal(await reloader.reload("SIGHUP"), "success");
  assert.deepEqual(applied, ["new"]);
  assert.deepEqual(await figures(), { success: 1, refused: 0, failed: 0, last: 1, at: start + 5 });
  assert.deepEqual(lines, [{ fields: { cause: "SIGHUP" }, message: "configuration reloaded" }]);
});

test("an invalid one is refused with every problem in the log, and the old stays; a good one later heals the gauge", async () => {
  const { clock, reloader, next, applied, lines, figures, start } = setUp();
  next.load = () => Promise.reject(new ConfigError([{ where: "c.yaml:1:1", key: "a", message: "missing" }]));
  clock.advance(5_000);
  assert.equal(await reloader.reload("file"), "refused");
  assert.deepEqual(applied, []);
  assert.deepEqual(await figures(), { success: 0, refused: 1, failed: 0, last: 0, at: start });
  assert.deepEqual(lines, [
    {
      fields: { cause: "file", result: "refused", problems: ["c.yaml:1:1: a: missing"] },
      message: "configuration not reloaded: the old one stays in use",
    },
  ]);
  next.load = () => Promise.resolve("good");
  await reloader.reload("file");
  assert.equal((await figures()).last, 1);
});

test("one that cannot be applied is counted as failed", async () => {
  const { reloader, next, figures } = setUp();
  next.apply = () => Promise.reject(new Error("port taken"));
  assert.equal(await reloader.reload("file"), "failed");
  assert.deepEqual({ ...(await figures()), at: 0 }, { success: 0, refused: 0, failed: 1, last: 0, at: 0 });
});

test("one of our own errors is logged as its sentence, without a stack", async () => {
  const { reloader, next, lines } = setUp();
  next.apply = () =>
    Promise.reject(
      new OutriggerError("cannot-listen", "port 1 is taken", { cause: new Error("EADDRINUSE") }),
    );
  await reloader.reload("file");
  assert.deepEqual(lines[0]?.fields, {
    cause: "file",
    result: "failed",
    code: "cannot-listen",
    reason: "port 1 is taken",
  });
});

test("reloads run one after the other, in order", async () => {
  const { reloader, next, applied } = setUp();
  let loads = 0;
  let running = 0;
  next.load = async () => {
    assert.equal(++running, 1);
    const mine = ++loads;
    // The first takes longest.
    for (let turn = 0; turn < 10 - mine; turn++) await new Promise((resolve) => setImmediate(resolve));
    running--;
    return String(mine);
  };
  await Promise.all([reloader.reload("a"), reloader.reload("b"), reloader.reload("c")]);
  assert.deepEqual(applied, ["1", "2", "3"]);
});

test("a reload that is asked for before open() waits for it, and says so", async () => {
  const { reloader, applied, lines } = setUp({ opened: false });
  const early = reloader.reload("SIGHUP");
  assert.deepEqual(lines, [
    { fields: { cause: "SIGHUP" }, message: "the configuration is reloaded when the start is over" },
  ]);
  // As many turns as a reload takes many times over.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(applied, []);
  reloader.open();
  assert.equal(await early, "success");
  assert.deepEqual(applied, ["new"]);
});

test("close() waits for the reload under way; what waits behind it or comes later is ignored, uncounted, and logged", async () => {
  const { reloader, next, applied, lines, figures } = setUp();
  let letGo = (): void => {};
  const loading = new Promise<void>((begun) => {
    next.load = () => {
      begun();
      return new Promise((resolve) => (letGo = () => resolve("under way")));
    };
  });
  const first = reloader.reload("file");
  const second = reloader.reload("SIGHUP");
  await loading;
  let closed = false;
  const closing = reloader.close().then(() => (closed = true));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, false);
  letGo();
  await closing;
  assert.deepEqual(
    [await first, await second, await reloader.reload("late")],
    ["success", "ignored", "ignored"],
  );
  assert.deepEqual(applied, ["under way"]);
  assert.equal((await figures()).success, 1);
  assert.deepEqual(lines.slice(1), [
    { fields: { cause: "SIGHUP" }, message: "configuration not reloaded: it is shutting down" },
    { fields: { cause: "late" }, message: "configuration not reloaded: it is shutting down" },
  ]);
});

test("what waited for open() is ignored when close() comes first", async () => {
  const { reloader, applied } = setUp({ opened: false });
  const early = reloader.reload("SIGHUP");
  await reloader.close();
  assert.equal(await early, "ignored");
  assert.deepEqual(applied, []);
});
