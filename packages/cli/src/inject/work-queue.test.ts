/** A work queue beside a workload: what inject tells it of the pod, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import type { Fields } from "../manifest/workload.ts";
import { parseInject } from "./command-line.ts";
import { inject, uninject, type Injected } from "./inject.ts";
import { modelProblems } from "./testing/object-model.ts";

interface Shape {
  readonly kind?: string;
  readonly ports?: readonly number[];
  readonly pod?: object;
  readonly spec?: object;
  readonly annotations?: object;
}

function manifest({
  kind = "Deployment",
  ports = [3000],
  pod = {},
  spec = {},
  annotations = {},
}: Shape = {}): string {
  const web = { name: "web", image: "acme/web:1", ports: ports.map((containerPort) => ({ containerPort })) };
  return stringify({
    apiVersion: "apps/v1",
    kind,
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      ...spec,
      template: { metadata: { labels: { app: "web" }, annotations }, spec: { containers: [web], ...pod } },
    },
  });
}

const service = stringify({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 3000 }] },
});

const run = (text: string, ...flags: string[]): Promise<Injected> =>
  inject([{ file: "web.yaml", text }], parseInject(flags.map((flag) => `--work-queue=${flag}`)), () =>
    Promise.resolve(undefined),
  );

function queueIn(text: string): Fields & { readonly args: readonly string[] } {
  const { spec } = parse(text.split("\n---\n")[0] as string) as {
    spec: { template: { spec: { initContainers: (Fields & { args: string[] })[] } } };
  };
  return spec.template.spec.initContainers[0] as Fields & { args: string[] };
}

const REDIS = "backend=redis://redis:6379";
const EMBEDDED = ["backend=embedded:/var/lib/queue", "volume=jobs"];
const claim = { volumes: [{ name: "jobs", persistentVolumeClaim: { claimName: "jobs" } }] };
const recreate = { strategy: { type: "Recreate" } };

test("the queue gets the workload's port and its own for callers, and the Service's line is named", async () => {
  const { output, notes } = await run(`${manifest()}---\n${service}`, REDIS, "concurrency=4");
  const queue = queueIn(output);
  assert.deepEqual(queue.args, [
    "--backend=redis://redis:6379",
    "--concurrency=4",
    "--workload=http://127.0.0.1:3000",
  ]);
  assert.deepEqual(queue["ports"], [
    { name: "probe-14040", containerPort: 14040 },
    { name: "queue-8080", containerPort: 8080 },
  ]);
  assert.match(String(queue["image"]), /\/work-queue:/);
  assert.match(
    notes.join("\n"),
    /service\/web: targetPort: 3000 must become targetPort: 8080, or nothing comes through the queue/,
  );
  assert.deepEqual(modelProblems(output), []);
  assert.doesNotMatch(output, /preStop/);
  assert.equal((await run(output, REDIS, "concurrency=4")).output, output, "twice is once");
  assert.equal(uninject([{ file: "web.yaml", text: output }], []).output, `${manifest()}---\n${service}`);
});

test("a worker alone has no port for callers, and no Service is to change", async () => {
  const { output, notes } = await run(`${manifest()}---\n${service}`, "role=worker", REDIS);
  assert.deepEqual(queueIn(output)["ports"], [{ name: "probe-14040", containerPort: 14040 }]);
  assert.doesNotMatch(notes.join("\n"), /targetPort/);
});

test("what a flag says of the workload and of the port holds", async () => {
  const { output } = await run(
    manifest({ ports: [3000, 9000] }),
    REDIS,
    "workload=http://127.0.0.1:9000",
    "listen=8090",
  );
  const queue = queueIn(output);
  assert.deepEqual(queue.args.slice(1), ["--workload=http://127.0.0.1:9000", "--listen=8090"]);
  assert.deepEqual((queue["ports"] as object[])[1], { name: "queue-8090", containerPort: 8090 });
});

test("an annotation says the same as the flags", async () => {
  const annotations = { "outrigger.dev/work-queue": "role=worker backend=redis://redis:6379" };
  const { output } = await run(manifest({ annotations }));
  assert.deepEqual(queueIn(output).args, [
    "--role=worker",
    "--backend=redis://redis:6379",
    "--workload=http://127.0.0.1:3000",
  ]);
});

test("an embedded queue has the image with a database, memory for it, and the volume that it is told", async () => {
  const { output, notes } = await run(manifest({ pod: claim, spec: recreate }), ...EMBEDDED);
  const queue = queueIn(output);
  assert.deepEqual(queue.args, ["--backend=embedded:/var/lib/queue", "--workload=http://127.0.0.1:3000"]);
  assert.match(String(queue["image"]), /\/work-queue-embedded:/);
  assert.deepEqual(queue["volumeMounts"], [{ name: "jobs", mountPath: "/var/lib/queue" }]);
  assert.deepEqual((queue["resources"] as Fields)["limits"], { memory: "1Gi" });
  assert.match(notes.join("\n"), /fsGroup: 65532/);
  assert.deepEqual(modelProblems(output), []);
});

test("a StatefulSet's claim template is a volume, too", async () => {
  const volumeClaimTemplates = [{ metadata: { name: "jobs" }, spec: {} }];
  const text = manifest({ kind: "StatefulSet", spec: { replicas: 1, volumeClaimTemplates } });
  assert.deepEqual(queueIn((await run(text, ...EMBEDDED)).output)["volumeMounts"], [
    { name: "jobs", mountPath: "/var/lib/queue" },
  ]);
});

test("an emptyDir is taken, and what it does not keep is said", async () => {
  const { notes } = await run(manifest({ pod: { volumes: [{ name: "jobs", emptyDir: {} }] } }), ...EMBEDDED);
  assert.match(notes.join("\n"), /is on an emptyDir: with the pod, whatever ends it, all jobs are gone/);
});

const FILES = "workload=files:/work/queue";
const mounting = (...mounts: object[]) => ({
  containers: mounts.map((mount, at) => ({ name: `c${at}`, image: "a", volumeMounts: [mount] })),
  volumes: [{ name: "work", emptyDir: {} }],
  securityContext: { fsGroup: 65532 },
});

test("beside a program that reads files it mounts what the program does, and has a port of its own", async () => {
  const mount = { name: "work", mountPath: "/work", subPath: "of-it" };
  const { output, notes } = await run(
    `${manifest({ pod: mounting(mount, mount) })}---\n${service}`,
    REDIS,
    FILES,
  );
  const queue = queueIn(output);
  assert.deepEqual(queue.args.slice(1), ["--workload=files:/work/queue"]);
  assert.deepEqual(queue["volumeMounts"], [mount]);
  assert.deepEqual((queue["ports"] as object[])[1], { name: "queue-8080", containerPort: 8080 });
  assert.match(notes.join("\n"), /callers come in on port 8080: give them a Service with targetPort: 8080/);
  assert.doesNotMatch(notes.join("\n"), /must become|where its targetPort means|fsGroup/);
  assert.deepEqual(modelProblems(output), []);
  assert.equal((await run(output, REDIS, FILES)).output, output, "twice is once");
  const alone = await run(manifest({ pod: mounting(mount) }), REDIS, FILES, "role=worker");
  assert.deepEqual((queueIn(alone.output)["ports"] as object[]).length, 1);
});

test("a container that only reads the program's files is not taken for the program", async () => {
  const mount = { name: "work", mountPath: "/work" };
  const { output } = await run(
    manifest({ pod: mounting({ ...mount, readOnly: true }, mount) }),
    REDIS,
    FILES,
  );
  assert.deepEqual(queueIn(output)["volumeMounts"], [mount]);
});

for (const [sentence, shape, flags, message] of [
  [
    "a program without a volume",
    {},
    [REDIS, FILES],
    /containers: none mounts a volume at \/work\/queue, or above/,
  ],
  [
    "one whose volume is elsewhere",
    { pod: mounting({ name: "work", mountPath: "/work/q" }) },
    [REDIS, FILES],
    /none mounts a volume at \/work\/queue.*; there are: c0 \/work\/q/,
  ],
  [
    "two volumes",
    { pod: mounting({ name: "work", mountPath: "/work" }, { name: "other", mountPath: "/work/queue" }) },
    [REDIS, FILES],
    /containers\[1\]\.volumeMounts: containers mount different volumes/,
  ],
  [
    "a program that cannot take its input away",
    { pod: mounting({ name: "work", mountPath: "/work", readOnly: true }) },
    [REDIS, FILES],
    /cannot on a volume that is readOnly/,
  ],
  ["no port of the workload", { ports: [] }, [REDIS], /containers: none declares a containerPort: say which/],
  ["two ports of it", { ports: [1, 2] }, [REDIS], /there are several containerPorts \(1, 2\): say which/],
  [
    "a workload on the port for callers",
    { ports: [8080] },
    [REDIS],
    /would call itself: .* let it listen on a free one/,
  ],
  [
    "another container on it",
    { ports: [3000, 8080] },
    [REDIS, "workload=http://127.0.0.1:3000"],
    /container web has port 8080/,
  ],
  ["what is no port", {}, [REDIS, "listen=x"], /listen=x: accepted is \[HOST:\]PORT/],
  [
    "embedded without a volume",
    { pod: claim, spec: recreate },
    [EMBEDDED[0]],
    /must be on a volume: name one of the pod's with --work-queue volume=NAME.*there are: jobs/,
  ],
  ["a volume that is not there", { spec: recreate }, EMBEDDED, /has no volume jobs, .* there are: none/],
  [
    "a volume for Redis",
    { pod: claim },
    [REDIS, "volume=jobs"],
    /volume=jobs is for backend=embedded:DIR alone/,
  ],
  [
    "embedded in several replicas",
    { pod: claim, spec: { ...recreate, replicas: 3 } },
    EMBEDDED,
    /spec\.replicas: each replica would have a queue of its own.*write 1, or use redis/,
  ],
  ["embedded in a DaemonSet", { kind: "DaemonSet", pod: claim }, EMBEDDED, /kind: each replica would have/],
  [
    "embedded on a claim that a rollout would want twice",
    { pod: claim },
    EMBEDDED,
    /a rollout starts the new pod beside the old one.*strategy: \{ type: Recreate \}/,
  ],
] as const) {
  test(`refused: ${sentence}`, async () => {
    await assert.rejects(run(manifest(shape), ...(flags as readonly string[])), message);
  });
}
