/** What is wrong between the fields of a manifest: each with its place, what was found, and what is accepted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "./command-line.ts";
import { prepare } from "./prepare.ts";

const OBJECTS = `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { colour: red, size: big }
---
`;
const pod = (spec: string): string => `apiVersion: v1
kind: Pod
metadata: { name: shop }
spec: ${spec}
`;
/** A pod of one container, which has this beside its name, image and command. */
const container = (more: string, spec = ""): string =>
  pod(`{ containers: [{ name: web, image: a, command: [node], ${more} }], ${spec} }`);
/** A Secret whose one key is no base64, what asks for that key in every way, and for one that another object lacks. */
const HALF_READ = `apiVersion: v1
kind: Secret
metadata: { name: half }
data: { pw: "hunter2!" }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: none }
---
apiVersion: v1
kind: Pod
metadata: { name: shop }
spec:
  containers:
    - name: web
      image: a
      command: [node]
      env:
        - { name: A, valueFrom: { secretKeyRef: { name: half, key: pw } } }
        - { name: B, valueFrom: { configMapKeyRef: { name: none, key: pw } } }
      volumeMounts: [{ name: v, mountPath: /v, subPath: pw }, { name: w, mountPath: /w, subPath: pw }]
  volumes:
    - { name: v, secret: { secretName: half, items: [{ key: pw, path: pw }] } }
    - { name: w, projected: { sources: [{ secret: { name: half } }, { configMap: { name: settings } }] } }
`;
const WEB = "{ name: web, image: a, command: [node] }";
const workload = (kind: string, restartPolicy: string): string => `apiVersion: apps/v1
kind: ${kind}
metadata: { name: shop }
spec: { template: { spec: { ${restartPolicy}, containers: [${WEB}] } } }
`;

const WRONG: readonly [sentence: string, text: string, messages: readonly string[]][] = [
  [
    "a Deployment's pods always restart",
    workload("Deployment", "restartPolicy: Never").replace("spec: {", "spec: { selector: {}, "),
    ['spec.template.spec.restartPolicy: found "Never", accepted: Always for a Deployment'],
  ],
  [
    "a Job says what happens to its pods",
    workload("Job", "restartPolicy: Always").replace("apps/v1", "batch/v1"),
    ["spec.template.spec.restartPolicy: accepted for a Job: OnFailure or Never, written out"],
  ],
  [
    "a pod has a container",
    pod("{ containers: [] }"),
    ["spec.containers: found an empty list, accepted: one container or more"],
  ],
  [
    "an init container restarts always or as its pod does",
    pod(
      `{ initContainers: [{ name: seed, image: a, command: [node], restartPolicy: OnFailure }], containers: [${WEB}] }`,
    ),
    [
      'spec.initContainers[0].restartPolicy: found "OnFailure", accepted: Always (a native sidecar), or nothing',
    ],
  ],
  [
    "a startup probe succeeds once",
    container("startupProbe: { tcpSocket: { port: 80 }, successThreshold: 2 }"),
    [
      "spec.containers[0].startupProbe.successThreshold: found 2, accepted: 1 for startup and liveness probes",
    ],
  ],
  [
    "a probe's port is one that can be dialled",
    container('livenessProbe: { tcpSocket: { port: "70000" } }'),
    ["spec.containers[0].livenessProbe.tcpSocket.port: found 70000, accepted: a port from 1 to 65535"],
  ],
  [
    "two volumes have two names",
    container("args: []", "volumes: [{ name: v, emptyDir: {} }, { name: v, emptyDir: {} }]"),
    ['spec.volumes[1].name: a second volume "v"'],
  ],
  [
    "a volume has one source",
    container("args: []", "volumes: [{ name: v, emptyDir: {}, configMap: { name: settings } }]"),
    ["spec.volumes[0]: found emptyDir and configMap, accepted: one source a volume"],
  ],
  [
    "two mounts have two places",
    container(
      "volumeMounts: [{ name: v, mountPath: /v }, { name: v, mountPath: /v }]",
      "volumes: [{ name: v, emptyDir: {} }]",
    ),
    ["spec.containers[0].volumeMounts[1].mountPath: a second volume at /v"],
  ],
  [
    "a mount's volume is there",
    container("volumeMounts: [{ name: w, mountPath: /v }]", "volumes: [{ name: v, emptyDir: {} }]"),
    ['spec.containers[0].volumeMounts[0].name: there is no volume "w"; there are: v'],
  ],
  [
    "a subPath stays in its volume",
    container(
      "volumeMounts: [{ name: v, mountPath: /v, subPath: a/../../b }, { name: v, mountPath: /w, subPath: /b }]",
      "volumes: [{ name: v, emptyDir: {} }]",
    ),
    [
      'spec.containers[0].volumeMounts[0].subPath: found "a/../../b", accepted: a relative path without ..',
      'spec.containers[0].volumeMounts[1].subPath: found "/b", accepted: a relative path without ..',
    ],
  ],
  [
    "a subPathExpr stays in its volume whatever its variables hold, and is shown as written",
    container(
      "env: [{ name: UP, value: ../up }], volumeMounts: [{ name: v, mountPath: /v, subPathExpr: a/$(UP) }]",
      "volumes: [{ name: v, emptyDir: {} }]",
    ),
    ['spec.containers[0].volumeMounts[0].subPathExpr: found "a/$(UP)", accepted: a relative path without ..'],
  ],
  [
    "subPath and subPathExpr exclude each other",
    container(
      "volumeMounts: [{ name: v, mountPath: /v, subPath: a, subPathExpr: b }]",
      "volumes: [{ name: v, emptyDir: {} }]",
    ),
    [
      "spec.containers[0].volumeMounts[0].subPathExpr: subPath is written beside it, accepted: one of the two",
    ],
  ],
  [
    "a variable's ConfigMap has its key",
    OBJECTS + container("env: [{ name: A, valueFrom: { configMapKeyRef: { name: settings, key: shape } } }]"),
    [
      'spec.containers[0].env[0].valueFrom.configMapKeyRef.key: the ConfigMap "settings" has no key "shape"; it has: colour, size',
    ],
  ],
  [
    "a volume's ConfigMap has the keys of its items",
    OBJECTS +
      container(
        "args: []",
        "volumes: [{ name: v, configMap: { name: settings, items: [{ key: shape, path: s }] } }]",
      ),
    [
      'spec.volumes[0].configMap.items[0].key: the ConfigMap "settings" has no key "shape"; it has: colour, size',
    ],
  ],
  [
    "a ConfigMap that is asked for is in the files",
    container("envFrom: [{ configMapRef: { name: settings } }]"),
    [
      'spec.containers[0].envFrom[0].configMapRef.name: there is no ConfigMap "settings" in the files given; add its document, or its file to the command',
    ],
  ],
  [
    "and where there are others, they are named",
    OBJECTS + container("envFrom: [{ configMapRef: { name: setings } }]"),
    [
      'spec.containers[0].envFrom[0].configMapRef.name: there is no ConfigMap "setings" in the files given; there are: settings',
    ],
  ],
  [
    "what follows from an object's own problem is not told again, and an empty object is called so",
    OBJECTS + HALF_READ,
    [
      "data.pw: found a string (a Secret's value is not shown), accepted: base64, as base64(1) writes it; plain text has its place beside it",
      'spec.containers[0].env[1].valueFrom.configMapKeyRef.key: the ConfigMap "none" has no key "pw"; it is empty',
    ],
  ],
  [
    "a resource is one of a container that is there",
    container(
      "env: [{ name: A, valueFrom: { resourceFieldRef: { containerName: wbe, resource: limits.cpu } } }]",
    ),
    [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.containerName: there is no container "wbe"; there are: web',
    ],
  ],
];

for (const [sentence, text, messages] of WRONG) {
  test(`refused, with its place: ${sentence}`, () => {
    const invocation = parseCommandLine(["run", "pod.yaml"]);
    assert.ok(invocation.verb === "run");
    const { options } = invocation;
    assert.throws(
      () => prepare([{ file: "pod.yaml", text }], options, "/nowhere"),
      (error: Error) => {
        const found = error.message.split("\n").map((line) => line.replace(/^pod\.yaml:\d+:\d+: /, ""));
        assert.deepEqual(found, messages);
        return true;
      },
    );
  });
}
