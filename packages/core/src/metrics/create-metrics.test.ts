import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { createMetrics } from "./create-metrics.ts";
import type { Metrics } from "./metrics.ts";
import { addProcessMetrics } from "./process-metrics.ts";

const OPEN = "application/openmetrics-text; version=1.0.0";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An independent reader of both formats: a state machine over characters, where the writer joins strings. */
function parseExposition(text: string): {
  samples: Sample[];
  types: Record<string, string>;
  helps: Record<string, string>;
} {
  const samples: Sample[] = [];
  const types: Record<string, string> = {};
  const helps: Record<string, string> = {};
  assert.ok(text.endsWith("\n"), "the last line must end");
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = "", rest = ""] = comment;
      assert.ok(!(name in (kind === "HELP" ? helps : types)), `${kind} of ${name} twice`);
      (kind === "HELP" ? helps : types)[name] = rest;
      continue;
    }
    if (line === "# EOF") continue;
    let at = 0;
    let name = "";
    while (at < line.length && line[at] !== "{" && line[at] !== " ") name += line[at++];
    const labels: Record<string, string> = {};
    if (line[at] === "{") {
      at++;
      while (line[at] !== "}") {
        let label = "";
        while (line[at] !== "=") label += line[at++];
        assert.equal(line[++at], '"');
        at++;
        let value = "";
        while (line[at] !== '"') {
          if (line[at] === "\\") {
            at++;
            value += line[at] === "n" ? "\n" : line[at];
          } else value += line[at];
          at++;
          assert.ok(at < line.length, `unterminated label in ${line}`);
        }
        at++;
        assert.ok(!(label in labels), `label ${label} twice in ${line}`);
        labels[label] = value;
        if (line[at] === ",") at++;
      }
      at++;
    }
    assert.equal(line[at], " ", line);
    const number = line.slice(at + 1);
    const value = number === "+Inf" ? Infinity : number === "-Inf" ? -Infinity : Number(number);
    assert.ok(number === "NaN" || !Number.isNaN(value), `not a number: ${line}`);
    samples.push({ name, labels, value });
  }
  return { samples, types, helps };
}

function filled(): Metrics {
  const metrics = createMetrics();
  const requests = metrics.counter("app_requests_total", 'Requests, "all"\\n of them', ["path", "code"]);
  requests.with({ path: "/a", code: "200" }).inc();
  requests.with({ path: "/a", code: "200" }).inc(2);
  requests.with({ path: 'q"b\\s\nn', code: "500" }).inc();
  metrics.gauge("app_temperature", "Degrees").with({}).value = -3.5;
  const latency = metrics.histogram("app_latency_seconds", "Latency", ["route"], [0.1, 1, 10]);
  for (const value of [0.05, 0.1, 0.5, 5, 50]) latency.with({ route: "r" }).observe(value);
  return metrics;
}

test("Prometheus text is as its format wants it, to the byte", async () => {
  const { contentType, body } = await filled().expose();
  assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(
    body,
    `# HELP app_requests_total Requests, "all"\\\\n of them
# TYPE app_requests_total counter
app_requests_total{path="/a",code="200"} 3
app_requests_total{path="q\\"b\\\\s\\nn",code="500"} 1
# HELP app_temperature Degrees
# TYPE app_temperature gauge
app_temperature -3.5
# HELP app_latency_seconds Latency
# TYPE app_latency_seconds histogram
app_latency_seconds_bucket{route="r",le="0.1"} 2
app_latency_seconds_bucket{route="r",le="1"} 3
app_latency_seconds_bucket{route="r",le="10"} 4
app_latency_seconds_bucket{route="r",le="+Inf"} 5
app_latency_seconds_sum{route="r"} 55.65
app_latency_seconds_count{route="r"} 5
`,
  );
});

test("OpenMetrics names counters without _total in their head, floats in le, escapes quotes in HELP and ends with EOF", async () => {
  const { contentType, body } = await filled().expose(OPEN);
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.match(
    body,
    /^# HELP app_requests Requests, \\"all\\"\\\\n of them\n# TYPE app_requests counter\napp_requests_total\{/,
  );
  assert.match(body, /_bucket\{route="r",le="1\.0"\} 3\n/);
  assert.ok(body.endsWith("\n# EOF\n"));
  assert.equal(body.split("# EOF").length, 2);
  const { types } = parseExposition(body);
  assert.deepEqual(types, {
    app_requests: "counter",
    app_temperature: "gauge",
    app_latency_seconds: "histogram",
  });
});

test("both formats tell the same samples, and an independent parser reads back every label value", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.string({ unit: "binary" }), { maxLength: 8 }), async (values) => {
      const metrics = createMetrics();
      const family = metrics.counter("x_total", "x", ["v", "w"]);
      values.forEach((value, index) => family.with({ v: value, w: String(index) }).inc(index + 1));
      const text = parseExposition((await metrics.expose()).body);
      const open = parseExposition((await metrics.expose(OPEN)).body);
      assert.deepEqual(text.samples, open.samples);
      assert.deepEqual(
        text.samples,
        values.map((v, index) => ({ name: "x_total", labels: { v, w: String(index) }, value: index + 1 })),
      );
    }),
  );
});

for (const [accept, format] of [
  [undefined, "text/plain"],
  ["", "text/plain"],
  ["*/*", "text/plain"],
  ["application/openmetrics-text", "application/openmetrics-text"],
  ["application/openmetrics-text; version=2.0.0", "text/plain"],
  ["text/html", "text/plain"],
  ["application/openmetrics-text;q=0.5, text/plain;q=0.4", "application/openmetrics-text"],
  ["application/openmetrics-text;q=0.3, text/plain;q=0.4", "text/plain"],
  ["application/openmetrics-text;q=0, */*", "text/plain"],
  ["APPLICATION/OPENMETRICS-TEXT ; VERSION=1.0.0 ; Q=1", "application/openmetrics-text"],
  [
    // Prometheus 2.49's own
    "application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "application/openmetrics-text",
  ],
] as const) {
  test(`Accept: ${accept} is answered with ${format}`, async () => {
    const { contentType } = await createMetrics().expose(accept);
    assert.ok(contentType.startsWith(`${format};`), contentType);
  });
}

test("the same label values are the same series; removing it starts it anew", () => {
  const family = createMetrics().counter("x_total", "x", ["a", "b"]);
  const series = family.with({ a: "1", b: "2" });
  series.inc();
  assert.equal(family.with({ b: "2", a: "1" }), series);
  assert.notEqual(family.with({ a: "12", b: "" }), family.with({ a: "1", b: "2" }));
  family.remove({ a: "1", b: "2" });
  assert.equal(family.with({ a: "1", b: "2" }).value, 0);
});

test("a family asked for twice in one shape is one family; in another shape it is refused", () => {
  const metrics = createMetrics();
  metrics.counter("x_total", "x", ["a"]).with({ a: "1" }).inc();
  assert.equal(metrics.counter("x_total", "x", ["a"]).with({ a: "1" }).value, 1);
  assert.throws(() => metrics.counter("x_total", "x", ["b"]), {
    code: "metric-conflict",
    message: "metric x_total exists as a counter with labels (a): it cannot also be a counter with (b)",
  });
});

test("names, labels and buckets that Prometheus would refuse are refused here", () => {
  const metrics = createMetrics();
  assert.throws(() => metrics.counter("x", "x"), { code: "metric-name", message: /must end in _total/ });
  assert.throws(() => metrics.gauge("a-b", "x"), { code: "metric-name" });
  assert.throws(() => metrics.gauge("a", "x", ["__a"]), { code: "metric-name" });
  assert.throws(() => metrics.histogram("a", "x", ["le"]), { code: "metric-name" });
  for (const buckets of [[], [2, 1], [1, 1], [1, Infinity], [NaN]]) {
    assert.throws(() => metrics.histogram("a", "x", [], buckets), { code: "metric-buckets" });
  }
  const missing = metrics.gauge("g", "g", ["a", "b"]) as { with(labels: object): unknown };
  assert.throws(() => missing.with({ a: "1" }), { code: "metric-label-missing" });
});

test("counters never fall and histograms ignore NaN", () => {
  const metrics = createMetrics();
  const counter = metrics.counter("x_total", "x").with({});
  for (const by of [-1, NaN, Infinity]) counter.inc(by);
  assert.equal(counter.value, 0);
  const histogram = metrics.histogram("h", "h").with({});
  histogram.observe(NaN);
  assert.equal(histogram.count, 0);
  assert.ok(Number.isNaN(histogram.quantile(0.5)));
});

test("a quantile lies in the bucket that holds the observation of that rank", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, q) => {
        const bounds = [0, 0.001, 0.01, 0.1, 1, 10, 60];
        const histogram = createMetrics().histogram("h", "h", [], bounds).with({});
        for (const value of values) histogram.observe(value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1] as number;
        const upper = bounds.find((bound) => exact <= bound) as number;
        const lower = bounds[bounds.indexOf(upper) - 1] ?? 0;
        const estimate = histogram.quantile(q);
        assert.ok(estimate >= lower && estimate <= upper, `${estimate} for ${exact} in (${lower}, ${upper}]`);
        assert.equal(histogram.count, values.length);
      },
    ),
  );
});

test("what is refreshed before an exposition is current in it, until it is removed", async () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge("g", "g").with({});
  const remove = metrics.beforeExpose(() => void gauge.value++);
  assert.match((await metrics.expose()).body, /\ng 1\n/);
  remove();
  assert.match((await metrics.expose()).body, /\ng 1\n/);
});

test("two instances share nothing", async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.counter("x_total", "x").with({}).inc();
  assert.equal((await two.expose()).body, "");
  assert.equal(two.counter("x_total", "another").with({}).value, 0);
});

test("every image tells its build, CPU, memory, files and event-loop lag", async () => {
  const metrics = createMetrics();
  const end = addProcessMetrics(metrics, { pattern: "p", version: "1" });
  const read = async () =>
    new Map(parseExposition((await metrics.expose()).body).samples.map((sample) => [sample.name, sample]));
  const first = await read();
  assert.deepEqual(first.get("outrigger_build_info")?.labels, {
    version: "1",
    node: process.version,
    pattern: "p",
  });
  assert.ok((first.get("process_cpu_seconds_total")?.value ?? 0) > 0);
  assert.ok((first.get("process_resident_memory_bytes")?.value ?? 0) > 1e7);
  assert.ok(
    Math.abs((first.get("process_start_time_seconds")?.value ?? 0) - performance.timeOrigin / 1000) < 1,
  );
  if (process.platform === "linux") assert.ok((first.get("process_open_fds")?.value ?? 0) >= 3);
  // A loop that stands still for 120 ms is seen as late.
  let late = 0;
  for (let attempt = 0; attempt < 20 && late < 0.05; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    await new Promise((resolve) => setTimeout(resolve, 25));
    late = (await read()).get("nodejs_eventloop_lag_max_seconds")?.value ?? 0;
  }
  assert.ok(late >= 0.05, `${late}`);
  end();
});

const promtool = spawnSync("promtool", ["--version"]).error === undefined;
test(
  "promtool finds nothing wrong in the Prometheus text",
  { skip: promtool ? false : "promtool is not on PATH: apt-get install prometheus" },
  async () => {
    const metrics = filled();
    const end = addProcessMetrics(metrics, { pattern: "p", version: "1" });
    const { body } = await metrics.expose();
    end();
    const checked = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
    assert.equal(`${checked.stdout}${checked.stderr}`, "");
    assert.equal(checked.status, 0);
  },
);
