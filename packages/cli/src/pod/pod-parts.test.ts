import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import fc from "fast-check";
import { Folder } from "../testing/outrigger.ts";
import type { Problem } from "../manifest/document.ts";
import { loadManifest, type DeclaredPod } from "../manifest/load.ts";
import { ValueSource } from "./environment.ts";
import { CrashBackOff } from "./back-off.ts";
import { imageNames, patternOf } from "./image.ts";
import { LineSplitter } from "./lines.ts";
import { rewriteMountPaths } from "./mount-path.ts";
import { Prober, type ProbePlan, type ProbeResult } from "./probe.ts";
import { inDivisors, parseQuantity } from "./quantity.ts";
import { createVolume, writeVersion } from "./volume.ts";

for (const [text, expected] of [
  ["/app", "/tmp/v"],
  ["/app/shop.js", "/tmp/v/shop.js"],
  ["/apples/x", "/apples/x"],
  ["--config=/app/x.yaml", "--config=/tmp/v/x.yaml"],
  ["x/app", "x/app"],
  ["/app/deep/x", "/tmp/deep/x"],
  ["/app/deeper", "/tmp/v/deeper"],
  ["http://localhost/app", "http://localhost/app"],
  ["a=b=/app/x", "a=b=/app/x"],
  ["--store=file:/app/x", "--store=file:/tmp/v/x"],
  ["file:/app", "file:/tmp/v"],
  ["--backend=embedded:/app/q", "--backend=embedded:/tmp/v/q"],
  ["--blobs=folder:/app", "--blobs=folder:/tmp/v"],
  ["--workload=files:/app/deep", "--workload=files:/tmp/deep"],
  ["profile:/app", "profile:/app"],
] as const) {
  test(`with a volume at /app/ and one at /app/deep, ${text} becomes ${expected}`, () => {
    const mounts = [
      { mountPath: "/app/", folder: "/tmp/v" },
      { mountPath: "/app/deep", folder: "/tmp/deep" },
    ];
    assert.equal(rewriteMountPaths(text, mounts), expected);
  });
}

for (const [image, pattern] of [
  ["ghcr.io/outrigger/ambassador:0.1.0", "ambassador"],
  ["outrigger/work-queue", "work-queue"],
  ["registry:5000/x/outrigger-leader-elector@sha256:00", "leader-elector"],
  ["outrigger-ambassador:latest", "ambassador"],
  ["outrigger/unknown", undefined],
  ["acme/ambassador", undefined],
  ["node:24", undefined],
] as const) {
  test(`the image ${image} is ${pattern ?? "no pattern"}`, () =>
    assert.equal(patternOf(image)?.name, pattern));
}

test("--image may call an image by its whole reference, without its tag, or by its last segment", () => {
  assert.deepEqual(imageNames("reg:5000/acme/web:3"), ["reg:5000/acme/web:3", "reg:5000/acme/web", "web"]);
});

test("the back-off is 0, 10, 20, 40 ... 300 s, and starts afresh after ten minutes", () => {
  const backOff = new CrashBackOff();
  const delays = Array.from({ length: 8 }, () => backOff.next(0) / 1000);
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.equal(backOff.next(599_999), 300_000);
  assert.equal(backOff.next(600_000), 0);
  assert.equal(backOff.next(0), 10_000);
});

test("lines are the same however the bytes arrive, and none passes the bound", () => {
  const texts = fc.array(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\n", "é\n", "😀".repeat(9))),
  );
  fc.assert(
    fc.property(texts, fc.array(fc.nat(50)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""));
      const whole: string[] = [];
      const pieces: string[] = [];
      const one = new LineSplitter((line) => whole.push(line), 10);
      one.write(bytes);
      one.end();
      const many = new LineSplitter((line) => pieces.push(line), 10);
      let at = 0;
      for (const cut of cuts) {
        many.write(bytes.subarray(at, at + cut));
        at += cut;
      }
      many.write(bytes.subarray(at));
      many.end();
      assert.deepEqual(pieces.join("").replaceAll("\r", ""), whole.join("").replaceAll("\r", ""));
      assert.ok(pieces.every((line) => line.length <= 10));
      assert.equal(whole.join(""), whole.join("").replaceAll("\n", ""));
    }),
  );
});

test("a ConfigMap is decoded once, however many variables ask for a key of it", () => {
  const problems: Problem[] = [];
  const text = `apiVersion: v1
kind: ConfigMap
metadata: { name: c }
data: { a: "1" }
---
apiVersion: v1
kind: Pod
metadata: { name: p }
spec: { containers: [{ name: a, image: b }] }
`;
  const manifest = loadManifest([{ file: "pod.yaml", text }], problems);
  const facts = { name: "p", namespace: "default", uid: "u", ip: "127.0.0.1", nodeName: "n" };
  const values = new ValueSource(manifest.pods[0] as DeclaredPod, manifest, facts, problems);
  const first = values.files("ConfigMap", "c", false, []);
  assert.equal(first?.get("a")?.toString(), "1");
  assert.equal(values.files("ConfigMap", "c", false, []), first);
});

test("quantities are numbers in their divisors, rounded up", () => {
  assert.equal(parseQuantity("64Mi"), 64 * 2 ** 20);
  assert.equal(parseQuantity("1e3"), 1000);
  assert.ok(Number.isNaN(parseQuantity("lots")));
  assert.equal(inDivisors("500m"), "1");
  assert.equal(inDivisors("500m", "1m"), "500");
  assert.equal(inDivisors("64Mi", "1Mi"), "64");
});

function prober(
  plan: Partial<ProbePlan>,
  results: ProbeResult[],
): { clock: VirtualClock; verdicts: string[]; prober: Prober } {
  const clock = new VirtualClock();
  const verdicts: string[] = [];
  const full: ProbePlan = {
    action: { kind: "tcp", host: "", port: 1 },
    initialDelay: 0,
    period: 10_000,
    timeout: 1000,
    successThreshold: 1,
    failureThreshold: 3,
    grace: undefined,
    ...plan,
  };
  const made = new Prober(
    full,
    clock,
    () => Promise.resolve(results.length === 0 ? null : (results.shift() as ProbeResult)),
    (verdict) => verdicts.push(`${clock.now() / 1000}s ${verdict.healthy ? "healthy" : verdict.why}`),
  );
  made.start();
  return { clock, verdicts, prober: made };
}

test("a probe's verdict needs its thresholds, in a row", async () => {
  const {
    clock,
    verdicts,
    prober: made,
  } = prober({ initialDelay: 5000, successThreshold: 2 }, [
    "a",
    "a",
    null,
    "a",
    null,
    null,
    "b",
    "b",
    "b",
    "b",
    null,
    null,
  ]);
  await clock.advanceAsync(200_000);
  assert.deepEqual(verdicts, ["55s healthy", "85s b", "115s healthy"]);
  made.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("a stopped probe says nothing more, also when its action was under way", async () => {
  const clock = new VirtualClock();
  let answer: (result: ProbeResult) => void = () => {};
  let verdicts = 0;
  const plan = {
    ...({ initialDelay: 0, period: 1, timeout: 1, successThreshold: 1, failureThreshold: 1 } as const),
  };
  const made = new Prober(
    { ...plan, action: { kind: "tcp", host: "", port: 1 }, grace: undefined },
    clock,
    () => new Promise((resolve) => (answer = resolve)),
    () => verdicts++,
  );
  made.start();
  await clock.advanceAsync(1);
  made.stop();
  answer("late");
  await clock.advanceAsync(100);
  assert.equal(verdicts, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("a projected volume is laid out as the kubelet does, and swaps all files at one moment", async () => {
  using folder = new Folder();
  const at = join(folder.path, "v");
  const file = (
    path: string,
    text: string,
    mode = 0o644,
  ): { path: string; content: Buffer; mode: number } => ({
    path,
    content: Buffer.from(text),
    mode,
  });
  const files = [file("a", "1"), file("deep/b", "2", 0o400), file("gone", "3")];
  await createVolume({ name: "v", folder: at, files, secret: true, given: false });
  assert.equal(statSync(at).mode & 0o777, 0o700);
  assert.equal(readlinkSync(join(at, "a")), "..data/a");
  assert.equal(readFileSync(join(at, "deep/b"), "utf8"), "2");
  assert.equal(statSync(join(at, "deep/b")).mode & 0o777, 0o400);
  const before = readlinkSync(join(at, "..data"));
  await writeVersion(at, [file("a", "one"), file("deep/b", "two"), file("new", "three")]);
  assert.notEqual(readlinkSync(join(at, "..data")), before);
  assert.equal(existsSync(join(at, before)), false);
  assert.deepEqual(
    readdirSync(at)
      .filter((name) => !name.startsWith("..2"))
      .sort(),
    ["..data", "a", "deep", "new"],
  );
  assert.ok(lstatSync(join(at, "new")).isSymbolicLink());
  assert.equal(readFileSync(join(at, "a"), "utf8"), "one");
});
