/** A leader-elector beside a workload: flags as arguments, the pod's names, its ports, its rights; alone and with an ambassador. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import type { Fields } from "../manifest/workload.ts";
import { parseInject } from "./command-line.ts";
import { inject, uninject, type Injected } from "./inject.ts";
import type { Question, RightsQuestion } from "./question.ts";
import { modelProblems } from "./testing/object-model.ts";

function deployment(spec: object = {}, annotations: object = {}): string {
  const web = { name: "web", image: "acme/web:1" };
  return stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      selector: {},
      template: { metadata: { annotations }, spec: { containers: [web], ...spec } },
    },
  });
}

interface Asked {
  readonly questions: Question[];
  readonly rights: RightsQuestion[];
}

const ROLE = `---
kind: Role
rules:
  - { apiGroups: [discovery.k8s.io], resources: [endpointslices], resourceNames: ["web-leader"], verbs: [get, update] }
`;

function run(
  text: string,
  words: readonly string[],
  asked: Asked = { questions: [], rights: [] },
): Promise<Injected> {
  return inject(
    [{ file: "web.yaml", text }],
    parseInject(words),
    (question) => {
      asked.questions.push(question);
      return Promise.resolve(undefined);
    },
    (question) => {
      asked.rights.push(question);
      return Promise.resolve(question.pattern.name === "leader-elector" ? ROLE : "");
    },
  );
}

interface Spec {
  readonly initContainers?: readonly (Fields & { name: string; env: { name: string }[] })[];
  readonly containers: readonly (Fields & { name: string })[];
}

const specOf = (text: string): Spec =>
  (parse(text) as { spec: { template: { spec: Spec } } }).spec.template.spec;

const ELECTION = ["--leader-elector=election=web"];
const ROUTE = ["--ambassador=8001=http://catalog:8001"];

test("its flags become arguments, its pod is told by the downward API, and ports for others are declared", async () => {
  const asked: Asked = { questions: [], rights: [] };
  const words = [
    ...ELECTION,
    "--leader-elector=gate=8080=tcp://127.0.0.1:3000",
    "--leader-elector=health=tcp:3000",
    "--leader-elector=forward=127.0.0.1:8081=http://127.0.0.1:3000",
  ];
  const { output } = await run(deployment(), words, asked);
  const [added] = specOf(output).initContainers ?? [];
  assert.deepEqual(added?.["args"], [
    "--election=web",
    "--gate=8080=tcp://127.0.0.1:3000",
    "--health=tcp:3000",
    "--forward=127.0.0.1:8081=http://127.0.0.1:3000",
  ]);
  assert.deepEqual(added?.env.slice(1), [
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
  ]);
  assert.deepEqual(added?.["ports"], [
    { name: "probe-14030", containerPort: 14030 },
    { name: "gate-8080", containerPort: 8080 },
  ]);
  assert.deepEqual(added?.["readinessProbe"], { httpGet: { path: "/readyz", port: 14030 } });
  assert.equal(added?.["restartPolicy"], "Always");
  assert.deepEqual(modelProblems(output), []);
  assert.deepEqual(
    asked.questions.map(({ args }) => args),
    [added?.["args"]],
  );
});

test("its rights are what it prints itself, for the pod's namespace and service account, and said with the reason", async () => {
  const asked: Asked = { questions: [], rights: [] };
  const { rbac, notes, output } = await run(deployment({ serviceAccountName: "clerk" }), ELECTION, asked);
  assert.equal(rbac, ROLE);
  const [{ args, namespace, serviceAccount }] = asked.rights as [RightsQuestion];
  assert.deepEqual([args, namespace, serviceAccount], [["--election=web"], "shop", "clerk"]);
  assert.match(
    notes.join("\n"),
    /service account clerk: get, update of endpointslices web-leader \(discovery\.k8s\.io\), because it names the leader/,
  );
  assert.doesNotMatch(output, /kind: Role/);
});

test("of its ConfigMap the rights are asked for, too, and where that is not seen it says so", async () => {
  const asked: Asked = { questions: [], rights: [] };
  const data = { "elector.yaml": "election: web\n" };
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "e", namespace: "shop" }, data };
  const words = ["--config-map", "leader-elector=e/elector.yaml"];
  const { rbac } = await run(`${deployment()}---\n${stringify(configMap)}`, words, asked);
  assert.equal(rbac, ROLE);
  assert.deepEqual([asked.rights[0]?.args, asked.rights[0]?.config], [[], "election: web\n"]);
  const unseen = await run(deployment(), words);
  assert.equal(unseen.rbac, "");
  assert.match(
    unseen.notes.join("\n"),
    /what rights the ConfigMap of outrigger-leader-elector asks for is not/,
  );
});

test("beside an ambassador each has its container and its record, and both go out again byte for byte", async () => {
  const text = deployment();
  const { output } = await run(text, [...ELECTION, ...ROUTE]);
  assert.deepEqual(
    specOf(output).initContainers?.map(({ name }) => name),
    ["outrigger-ambassador", "outrigger-leader-elector"],
  );
  assert.equal((await run(output, [...ELECTION, ...ROUTE])).output, output, "twice is once");
  assert.equal(uninject([{ file: "web.yaml", text: output }], []).output, text);
});

test("a pattern that is not asked for this time stays as it was", async () => {
  const text = deployment();
  const { output: before } = await run(text, ROUTE);
  const { output } = await run(before, ELECTION);
  const { output: updated } = await run(output, ["--leader-elector=election=other"]);
  assert.deepEqual(
    specOf(updated).initContainers?.map(({ name, args }) => [name, args]),
    [
      ["outrigger-leader-elector", ["--election=other"]],
      ["outrigger-ambassador", ["--route=8001=http://catalog:8001"]],
    ],
  );
  assert.equal(uninject([{ file: "web.yaml", text: updated }], []).output, text);
});

test("an ordinary container is one that the workload waits for", async () => {
  const { output } = await run(deployment(), [...ELECTION, "--classic"]);
  assert.deepEqual(
    specOf(output).containers.map(({ name }) => name),
    ["outrigger-leader-elector", "web"],
  );
});

test("an annotation says the same as the flags", async () => {
  const annotated = deployment({}, { "outrigger.dev/leader-elector": "election=web health=tcp:3000" });
  const [added] = specOf((await run(annotated, [])).output).initContainers ?? [];
  assert.deepEqual(added?.["args"], ["--election=web", "--health=tcp:3000"]);
});

const listening = (containerPort: number): object => ({
  containers: [{ name: "web", image: "acme/web:1", ports: [{ containerPort }] }],
});

for (const [sentence, text, words, message] of [
  [
    "a child, which its image could not run",
    deployment(),
    [...ELECTION, "--leader-elector=child=/bin/web"],
    /child=\/bin\/web: it runs a program of its own container, .* FROM it/,
  ],
  [
    "a child in an annotation, with its place",
    deployment({}, { "outrigger.dev/leader-elector": "election=web on-ended=x" }),
    [],
    /web\.yaml:\d+:\d+: .*annotations.*: on-ended=x: it runs a program/,
  ],
  [
    "what is no flag",
    deployment(),
    ["--leader-elector=--election=web"],
    /accepted is a flag of its container without its dashes/,
  ],
  [
    "a workload on the port of its HTTP API",
    deployment(listening(4040)),
    ELECTION,
    /container web has port 4040, which is the HTTP API port of outrigger-leader-elector/,
  ],
  [
    "a workload on the port of its gate",
    deployment(listening(8080)),
    [...ELECTION, "--leader-elector=gate=8080=tcp://127.0.0.1:3000"],
    /container web has port 8080/,
  ],
  [
    "a gate that is none",
    deployment(),
    [...ELECTION, "--leader-elector=gate=8080"],
    /--leader-elector: .*8080/,
  ],
] as const) {
  test(`refused: ${sentence}`, async () => {
    await assert.rejects(run(text, words), message);
  });
}

test("its HTTP API elsewhere leaves port 4040 to the workload", async () => {
  const { output } = await run(deployment(listening(4040)), [...ELECTION, "--leader-elector=http=4041"]);
  assert.match(output, /--http=4041/);
});
