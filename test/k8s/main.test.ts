import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runSuites, SUITES, type Counts } from "./main.ts";
import { manifests } from "./suites/dry-run.ts";
import { INJECTIONS } from "./suites/inject.ts";
import { ROOT } from "./suite.ts";
import { recorded, type Call, type Play } from "./testing/play.ts";

/** Compiled when this is. */
const STAND_IN = fileURLToPath(
  new URL(`testing/kubectl-stand-in${extname(import.meta.url)}`, import.meta.url),
);
const IMAGES = { prefix: "registry.example/o", tag: "9", pullPolicy: "Never" } as const;

interface Outcome {
  readonly counts: Counts;
  readonly report: string;
  readonly calls: readonly Call[];
}

async function run(play: Play, ...names: readonly string[]): Promise<Outcome> {
  return runWith({}, play, ...names);
}

/** @param options context: "" for none; endsAt: a text of the report at which the run is told to end */
async function runWith(
  { context = "test-context", endsAt }: { readonly context?: string; readonly endsAt?: string },
  play: Play,
  ...names: readonly string[]
): Promise<Outcome> {
  const stop = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-k8s-"));
  try {
    writeFileSync(join(folder, "play.json"), JSON.stringify(play));
    let report = "";
    const counts = await runSuites({
      names,
      kubectl: {
        command: [process.execPath, STAND_IN, folder],
        context: context === "" ? undefined : context,
      },
      signal: stop.signal,
      images: IMAGES,
      times: { patience: 5_000, look: 1 },
      say: (text) => {
        report += text;
        if (endsAt !== undefined && report.includes(endsAt)) stop.abort();
      },
    });
    return { counts, report, calls: recorded(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const said = ({ args }: Call): string => args.filter((word) => !word.startsWith("--")).join(" ");

/** What several tests look at. */
const allIsWell = run({});

test("all is well: every suite passes, in a namespace that is made first and removed last", async () => {
  const { counts, report, calls } = await allIsWell;
  assert.deepEqual(counts, { passed: SUITES.length, failed: 0, skipped: 0 }, report);
  const [version, create] = calls;
  assert.equal(said(version as Call), "version");
  const namespace = /^create namespace (outrigger-test-[0-9a-f]{8})$/.exec(said(create as Call))?.[1];
  assert.ok(namespace !== undefined, report);
  assert.equal(said(calls.at(-1) as Call), `delete namespace ${namespace}`);
  assert.equal(calls.filter((call) => said(call).includes("namespace")).length, 2);
  for (const { args } of calls.slice(2, -1))
    assert.ok(args.includes(`--namespace=${namespace}`), args.join(" "));
  for (const { args } of calls) assert.ok(args.includes("--context=test-context"), args.join(" "));
});

test("every manifest is asked about strictly, and what is applied afterwards is strict, too", async () => {
  const { calls } = await allIsWell;
  const applied = calls.filter((call) => said(call) === "apply");
  const asked = manifests().length + INJECTIONS.length;
  assert.equal(applied.filter(({ args }) => args.includes("--dry-run=server")).length, asked);
  assert.equal(applied.length, asked + 7);
  for (const { args } of applied) assert.ok(args.includes("--validate=strict"), args.join(" "));
});

test("our images are those of this run, with its pull policy; others are left alone", async () => {
  const { calls } = await run({}, "job");
  const input = calls.find((call) => said(call) === "apply")?.input ?? "";
  assert.match(input, /^ {10}image: registry\.example\/o\/ambassador:9\n {10}imagePullPolicy: Never$/m);
  assert.match(input, /^ {10}image: node:24-alpine\n {10}restartPolicy: Always$/m);
  assert.doesNotMatch(input, /ghcr\.io\/outrigger/);
});

test("the catalogue is restarted twice while the caller runs, and the caller is asked at its end", async () => {
  const { calls } = await run({}, "rollout");
  const order = calls.map(said).filter((words) => /^(rollout restart|delete pod)/.test(words));
  assert.deepEqual(order, [
    "rollout restart deployment/catalogue",
    "rollout restart deployment/catalogue",
    "delete pod caller",
  ]);
});

test("when a request is lost each suite with a shop fails, the others run, and all is removed", async () => {
  const { counts, report, calls } = await run(
    { shop: "done: 400 requests, 399 answered, 1 failed" },
    ...["dry-run", "ambassador-http", "rollout", "job"],
  );
  assert.deepEqual(counts, { passed: 1, failed: 3, skipped: 0 }, report);
  assert.match(report, /1 of 400 requests were lost/);
  assert.match(said(calls.at(-1) as Call), /^delete namespace/);
});

for (const [what, shop, why] of [
  ["a request has no outcome", "done: 400 requests, 399 answered, 0 failed", /1 of 400 requests were lost/],
  ["no request is sent", "done: 0 requests, 0 answered, 0 failed", /nothing is proven/],
  ["the shop dies without a word", "Killed", /did not say how it ended[^]*Killed/],
] as const) {
  test(`when ${what} its suite fails, and all is removed`, async () => {
    const { counts, report, calls } = await run({ shop }, "job");
    assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 }, report);
    assert.match(report, why);
    assert.match(said(calls.at(-1) as Call), /^delete namespace/);
  });
}

test("a manifest that the server refuses is named, with the field", async () => {
  const { counts, report } = await run({ refuses: "backoffLimit" }, "dry-run");
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 });
  assert.match(report, /test\/k8s\/manifests\/job\.yaml: .*unknown field "backoffLimit"/);
});

test("each kind of workload is asked about with an ambassador in it, native and classic", async () => {
  const { calls } = await allIsWell;
  const asked = calls.filter(({ args }) => args.includes("--dry-run=server"));
  const inputs = asked.slice(manifests().length).map(({ input }) => input);
  for (const kind of ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"])
    assert.ok(
      inputs.some((input) => new RegExp(`^kind: ${kind}$`, "m").test(input)),
      kind,
    );
  for (const input of inputs)
    assert.equal(
      input.match(/name: outrigger-ambassador$/gm)?.length,
      input.match(/^kind: /gm)?.length,
      input,
    );
  assert.match(inputs.join(""), /postStart/);
  assert.match(inputs.join(""), /preStop/);
});

test("the ticker's leader is killed, the next one deleted, then all are rolled; its account is bound in the run's namespace", async () => {
  const { calls, report } = await run({}, "leader-elector");
  const order = calls.map(said).filter((words) => /^(rollout restart|delete (pod|deployment))/.test(words));
  assert.deepEqual(order, [
    "delete pod ticker-a",
    "delete pod ticker-b",
    "rollout restart deployment/ticker",
    "delete deployment ticker",
  ]);
  const killed = calls.find((call) => said(call) === "delete pod ticker-a")?.args ?? [];
  assert.ok(killed.includes("--force") && killed.includes("--grace-period=0"), killed.join(" "));
  assert.match(report, /5 ticks, no second with two, tokens 3 7 8 9, longest gap 2\.0 s, 0 late/);
  const input = calls.find((call) => said(call) === "apply")?.input ?? "";
  assert.match(input, /^ {4}name: ticker\n {4}namespace: outrigger-test-[0-9a-f]{8}$/m);
});

for (const [what, ticks, why] of [
  ["tick twice in a second", "tick 2026-01-01T00:00:04.500Z token 7\n", /two ticks in one second/],
  ["tick under an older token", "tick 2026-01-01T00:00:05.500Z token 3\n", /1 late/],
  ["stand still for too long", "tick 2026-01-01T00:00:45.500Z token 9\n", /a gap of 40\.5 s/],
] as const) {
  test(`when tickers ${what} their suite fails, and all is removed`, async () => {
    const { counts, report, calls } = await run({ ticks }, "leader-elector");
    assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 }, report);
    assert.match(report, why);
    assert.match(said(calls.at(-1) as Call), /^delete namespace/);
  });
}

test("workers, fronts and Redis are killed one after the other, while the shop sends, and all it sent is made", async () => {
  const { calls, report } = await run({}, "work-queue");
  const killed = calls.filter((call) => said(call) === "delete pod").map(({ args }) => args.join(" "));
  assert.deepEqual(
    killed.map((words) => /--selector=app=(\S+) --grace-period=0 --force/.exec(words)?.[1]),
    ["thumbnailer", "thumbnailer-front", "thumbnails-redis"],
  );
  assert.match(report, /^ok   work-queue  done: 300 accepted, 300 made, 0 failed, 0 lost/m);
});

for (const [what, pictures] of [
  ["lost", "done: 300 accepted, 299 made, 0 failed, 1 lost"],
  ["given up", "done: 300 accepted, 299 made, 1 failed, 0 lost"],
  ["sent", "done: 0 accepted, 0 made, 0 failed, 0 lost"],
  ["counted to the end", "Killed"],
] as const) {
  test(`when a picture is ${what === "sent" || what.startsWith("counted") ? `not ${what}` : what} the queue's suite fails, and all is removed`, async () => {
    const { counts, report, calls } = await run({ pictures }, "work-queue");
    assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 }, report);
    assert.match(report, /not every picture was made/);
    assert.match(said(calls.at(-1) as Call), /^delete namespace/);
  });
}

test("what inject makes and the server refuses is named", async () => {
  const { counts, report } = await run({ refuses: "postStart" }, "inject");
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 });
  assert.match(report, /inject --classic .*inject-servers\.yaml: .*unknown field "postStart"/);
});

test("when it is told to end, no suite goes on or follows, and all is removed", async () => {
  const { counts, report, calls } = await runWith({ endsAt: "     rollout:" }, {}, "rollout", "job");
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 1 }, report);
  assert.match(report, /given up/);
  assert.match(said(calls.at(-1) as Call), /^delete namespace/);
});

test("a replica that is new is ready for longer than an answer of kubeadm's DNS lives, before an old one goes", () => {
  const text = readFileSync(join(ROOT, "test/k8s/manifests/rollout-catalogue.yaml"), "utf8");
  // The ambassador adds a tenth.
  assert.ok(Number(/^ {2}minReadySeconds: (\d+)$/m.exec(text)?.[1]) > 30 * 1.1);
  assert.match(text, /maxUnavailable: 0 /);
});

test("a failed suite's report has the pods and the events", async () => {
  const { counts, calls } = await run(
    { fails: { wait: "error: timed out waiting for the condition" } },
    "job",
  );
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 });
  const asked = calls.map(said);
  assert.ok(asked.includes("get pods") && asked.includes("get events"), asked.join("\n"));
});

test("a clean-up that fails is a failure, with what to do", async () => {
  const { counts, report } = await run({ fails: { "delete namespace": "error: timed out" } }, "job");
  assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 0 });
  assert.match(report, /remove it yourself: kubectl delete namespace outrigger-test-/);
});

test("a namespace that cannot be made is one failure, and no suite runs", async () => {
  const { counts, report, calls } = await run({ fails: { "create namespace": "Forbidden" } });
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 });
  assert.match(report, /^FAIL .*Forbidden$/m);
  assert.ok(!calls.some((call) => said(call) === "apply"));
});

for (const [what, play, why] of [
  ["no cluster answers", { unreachable: true }, /refused/],
  ["the cluster has no native sidecars", { minor: "28" }, /v1\.28\.0 has no native sidecars/],
] as const) {
  test(`when ${what} everything is skipped, and nothing is made`, async () => {
    const { counts, report, calls } = await runWith({ context: "" }, play);
    assert.deepEqual(counts, { passed: 0, failed: 0, skipped: SUITES.length });
    assert.match(report, why);
    assert.deepEqual(calls.map(said), ["version"]);
  });

  test(`when ${what} and its context was named, that is a failure`, async () => {
    const { counts, report } = await run(play);
    assert.deepEqual(counts, { passed: 0, failed: 1, skipped: SUITES.length });
    assert.match(report, why);
    assert.match(report, /FAIL the cluster of context test-context/);
  });
}

test("without kubectl everything is skipped, and the report says what is missing", async () => {
  let report = "";
  const counts = await runSuites({
    names: ["job"],
    kubectl: { command: ["/nowhere/kubectl"] },
    images: IMAGES,
    say: (text) => (report += text),
  });
  assert.deepEqual(counts, { passed: 0, failed: 0, skipped: 1 });
  assert.match(report, /cannot start \/nowhere\/kubectl/);
});
