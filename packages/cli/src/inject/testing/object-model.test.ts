import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { modelProblems } from "./object-model.ts";

const pod = (spec: object): object => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec });

test("an unknown field and a value of another type are found, however deep, also in a List", () => {
  const wrong = pod({
    initContainers: [{ name: "a", restartPolicy: "Always", startupProb: {} }],
    containers: [
      {
        name: "a",
        ports: [{ containerPort: "80" }],
        livenessProbe: { httpGet: { port: "http", path: 1 } },
        resources: { limits: { cpu: 1, memory: true } },
      },
    ],
    hostAliases: { ip: "127.0.0.1" },
  });
  const found = [
    "spec.initContainers[0].startupProb: V1Container has no such field",
    'spec.containers[0].ports[0].containerPort: is "80", and must be of type number',
    "spec.containers[0].livenessProbe.httpGet.path: is 1, and must be of type string",
    'spec.containers[0].resources.limits["memory"]: is true, and must be of type string',
    'spec.hostAliases: is {"ip":"127.0.0.1"}, and must be of type Array<V1HostAlias>',
  ];
  assert.deepEqual(modelProblems(wrong), found);
  assert.deepEqual(
    modelProblems({ apiVersion: "v1", kind: "List", items: [pod({}), wrong] }),
    found.map((each) => `items[1].${each}`),
  );
});

test("a native sidecar is known to the model, and what is no object of Kubernetes is not looked at", () => {
  assert.deepEqual(
    modelProblems(pod({ initContainers: [{ name: "a", restartPolicy: "Always" }], containers: [] })),
    [],
  );
  assert.deepEqual(
    modelProblems({ apiVersion: "batch.volcano.sh/v1alpha1", kind: "Job", spec: { x: 1 } }),
    [],
  );
});

test("every manifest of this repository passes: pod.yaml of each example, and those of the cluster suite", () => {
  const root = fileURLToPath(new URL("../../../../../", import.meta.url));
  const examples = readdirSync(`${root}examples`).map((name) => `examples/${name}/pod.yaml`);
  const suite = readdirSync(`${root}test/k8s/manifests`).map((name) => `test/k8s/manifests/${name}`);
  const files = [...examples.filter((path) => existsSync(root + path)), ...suite];
  assert.ok(files.length > 3, files.join());
  for (const file of files)
    for (const document of parseAllDocuments(readFileSync(root + file, "utf8")))
      assert.deepEqual(modelProblems(document.toJS()), [], file);
});
