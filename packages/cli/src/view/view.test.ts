import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fit, harmless, stripAnsi } from "./ansi.ts";
import { VirtualClock } from "@outrigger/core/testing";
import { Display } from "./display.ts";
import { parseExposition } from "./exposition.ts";
import { renderJsonLine } from "./json-line.ts";
import { Log } from "./log.ts";
import { drawScreen } from "./screen.ts";
import { statusLine } from "./status.ts";
import { quantile, readTraffic, TrafficWindow, type Reading } from "./traffic.ts";

test("samples are read with their labels, escapes, special values, timestamps and exemplars", () => {
  const text = `# HELP a b\n# TYPE a counter\na{x="1",y="q\\"\\\\\\n"} 2 1700000000\nb +Inf\nc{} NaN\nnot a sample at all {\nd{x="}"} 1 # {trace="1"} 2\n`;
  assert.deepEqual(parseExposition(text), [
    { name: "a", labels: { x: "1", y: 'q"\\\n' }, value: 2 },
    { name: "b", labels: {}, value: Infinity },
    { name: "c", labels: {}, value: NaN },
    { name: "d", labels: { x: "}" }, value: 1 },
  ]);
});

test("any text is read without an exception", () => {
  fc.assert(fc.property(fc.string(), (text) => void readTraffic(parseExposition(text))));
});

test("quantiles interpolate within a bucket, of the window only", () => {
  const buckets = new Map([
    [0.1, 50],
    [0.2, 100],
    [Infinity, 100],
  ]);
  assert.equal(quantile(0.5, buckets), 0.1);
  assert.ok(Math.abs(quantile(0.75, buckets) - 0.15) < 1e-9);
  assert.ok(Number.isNaN(quantile(0.5, buckets, buckets)));
  assert.ok(Number.isNaN(quantile(0.5, new Map())));
  assert.equal(
    quantile(
      0.99,
      new Map([
        [0.1, 1],
        [Infinity, 10],
      ]),
    ),
    0.1,
  );
});

const reading = (requests: number, more: Partial<Reading> = {}): Reading => ({
  requests,
  byClass: new Map(),
  retries: 0,
  buckets: new Map(),
  endpoints: [],
  ...more,
});

test("the rate is of the window, and starts anew when a container starts anew", () => {
  const window = new TrafficWindow(10_000);
  for (let second = 0; second <= 20; second++)
    window.add(second * 1000, reading(second < 10 ? 0 : (second - 10) * 50));
  assert.equal(window.rate(), 50);
  window.add(21_000, reading(10));
  window.add(22_000, reading(30));
  assert.equal(window.rate(), 20);
});

test("a container without our metrics gives no figures", () => {
  assert.equal(readTraffic(parseExposition("process_cpu_seconds_total 1\n")), null);
  assert.equal(statusLine(new TrafficWindow(1)), null);
});

test("pino lines become readable, by number or word; other lines stay", () => {
  const line =
    '{"level":"warn","time":"2026-01-02T03:04:05.678Z","msg":"endpoint ejected","endpoint":"a:1","why":"5 in a row","n":2}';
  const rendered = renderJsonLine(line, false);
  assert.match(
    rendered ?? "",
    /^\d\d:\d\d:05\.678 WARN {2}endpoint ejected endpoint=a:1 why="5 in a row" n=2$/,
  );
  assert.match(renderJsonLine('{"level":50,"time":0,"msg":"x"}', true) ?? "", /\x1b\[31mERROR\x1b\[0m x$/);
  for (const other of ["plain", "{not json}", '{"a":1}', "[1]"])
    assert.equal(renderJsonLine(other, false), null);
});

test("a workload cannot move the cursor or clear the terminal; its colours stay where colours are on", () => {
  const line = "a\x1b[2Jb\x1b[31mc\x1b]0;title\x07d\x07\x1b";
  assert.equal(harmless(line, true), "ab\x1b[31mcd");
  assert.equal(harmless(line, false), "abcd");
});

test("of what a workload writes no control byte but tab and newline is left, and no sequence of any kind", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.constantFrom("\x1b", "\x1b[", "2J", "31m", "\x9b", "\x9d0;t", "\x07", "\x90q", "\x9c", "\x1b\\"),
        ),
      ),
      (parts) => {
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(harmless(parts.join(""), false), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
        // eslint-disable-next-line no-control-regex
        const coloured = harmless(parts.join(""), true).replace(/\x1b\[[0-9;]*m/g, "");
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(coloured, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      },
    ),
  );
});

test("the live view hides the cursor, writes each line over the old one, and gives the terminal back once", () => {
  const clock = new VirtualClock();
  const written: string[] = [];
  const output = { columns: 40, rows: 8, write: (text: string) => written.push(text) };
  const display = new Display(output, clock);
  display.line("before");
  display.enterScreen(() => ({
    title: "t",
    now: 0,
    ranFor: 0,
    remaining: null,
    pods: [],
    traffic: new TrafficWindow(1),
    colours: false,
  }));
  display.line("an\tevil\nline");
  clock.advance(250);
  display.leaveScreen();
  display.leaveScreen();
  clock.advance(10_000);
  assert.equal(written.length, 5);
  assert.equal(written[0], "before\n");
  assert.equal(written[1], "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J");
  for (const picture of written.slice(2, 4)) {
    assert.ok(picture.startsWith("\x1b[Ht  "), JSON.stringify(picture));
    assert.ok(picture.endsWith("\x1b[K\x1b[J"), JSON.stringify(picture));
    assert.equal(picture.split("\x1b[K\r\n").length, 8);
  }
  assert.match(written[3] ?? "", /an evil line\x1b\[K/);
  assert.equal(written[4], "\x1b[?25h\x1b[?1049lan\tevil\nline\n");
  assert.equal(clock.pendingTimers, 0);
});

for (const [size, columns, rows] of [
  ["0 columns and rows", 0, 0],
  ["no size", undefined, undefined],
] as const) {
  test(`a terminal of ${size} is drawn as one of 80 and 24`, () => {
    const written: string[] = [];
    const output = {
      ...(columns !== undefined && { columns, rows }),
      write: (text: string) => written.push(text),
    };
    const display = new Display(output, new VirtualClock());
    display.enterScreen(() => ({
      title: "t".repeat(100),
      now: 0,
      ranFor: 0,
      remaining: null,
      pods: [],
      traffic: new TrafficWindow(1),
      colours: false,
    }));
    const lines = written[1]?.split("\x1b[K\r\n") ?? [];
    assert.equal(lines.length, 24);
    assert.equal(lines[0], `\x1b[H${"t".repeat(80)}`);
    display.leaveScreen();
  });
}

test("prefixes align, have colours only where they are on, and raw lines stay as they are", () => {
  const lines: string[] = [];
  const log = (colours: boolean, raw: boolean): Log =>
    new Log({ colours, raw, names: ["a", "a-longer-name"], write: (line) => lines.push(line) });
  const json = '{"level":30,"msg":"hi"}';
  log(false, false).output("a", json);
  log(false, true).output("a", json);
  log(true, false).output("a", "x");
  log(true, false).say("a", "error", "broke");
  log(false, false).output("a", '{"msg":"one\\na-longer-name | two"}');
  log(false, false).say(null, "warn", "first\nsecond\x1b[2J");
  assert.deepEqual(lines, [
    "a             | INFO  hi",
    `a             | ${json}`,
    "\x1b[36ma             | \x1b[0mx",
    "outrigger     | \x1b[31ma: broke\x1b[0m",
    "a             | one",
    "a             | a-longer-name | two",
    "outrigger     | first",
    "outrigger     | second",
  ]);
});

test("a text is cut to the columns it takes, colours not counted, wide characters twice", () => {
  assert.equal(fit("abc", 2), "ab");
  assert.equal(stripAnsi(fit("\x1b[31mabc\x1b[0m", 2)), "ab");
  assert.equal(fit("漢字", 3), "漢");
});

test("the screen has exactly the rows and at most the columns of the terminal, however small", () => {
  const window = new TrafficWindow(10_000);
  const endpoint = {
    upstream: "u",
    endpoint: "127.0.0.1:9001",
    state: "ejected" as const,
    requests: 9,
    failures: 3,
    ejections: 1,
  };
  window.add(0, reading(1, { endpoints: [endpoint] }));
  window.add(
    1000,
    reading(2501, {
      endpoints: [{ ...endpoint, requests: 109 }],
      retries: 7,
      byClass: new Map([["5xx", 2]]),
      buckets: new Map([
        [0.01, 90],
        [0.1, 100],
        [Infinity, 100],
      ]),
    }),
  );
  const container = {
    label: "web",
    role: "main",
    state: { is: "running", since: 0, pid: 1, started: true, ready: true } as const,
    restarts: 2,
    killed: false,
  };
  const screen = {
    title: "outrigger run pod.yaml",
    now: 61_000,
    ranFor: 61_000,
    remaining: 9000,
    pods: [{ name: "shop", phase: "running", containers: [container] }],
    traffic: window,
    log: Array.from({ length: 50 }, (_, index) => `line ${index}`),
    colours: false,
  };
  const full = drawScreen(screen, 100, 24);
  assert.equal(full[0], "outrigger run pod.yaml  running  1m01s, 9s left");
  assert.equal(full[2], "requests 2,501   2,500/s   retries 7   5xx 2");
  assert.match(
    full[3] ?? "",
    /^latency {2}p50 [\d.]+ ms {3}p90 [\d.]+ ms {3}p99 [\d.]+ ms {3}\(last 10 s\)$/,
  );
  assert.match(full.join("\n"), /127\.0\.0\.1:9001 {2}ejected {11}109 {6}100 {9}3 {10}1\n/);
  assert.match(full.join("\n"), /web {8}main {5}ready 1m01s {22}2\n/);
  assert.equal(full.at(-2), "line 49");
  for (const [columns, rows] of [
    [100, 24],
    [20, 5],
    [1, 1],
    [300, 80],
  ] as const) {
    const lines = drawScreen({ ...screen, colours: true }, columns, rows);
    assert.equal(lines.length, rows);
    assert.ok(lines.every((line) => stripAnsi(line).length <= columns));
  }
});
