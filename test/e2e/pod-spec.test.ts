import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { PAUSE, playedPod } from "./pod-spec.ts";

const SIDECAR = `
    - name: side
      image: s
      restartPolicy: Always
      ports: [{ containerPort: 14010, name: probe }]
      startupProbe: { httpGet: { path: /startupz, port: probe } }
      livenessProbe: { httpGet: { path: /livez, port: 14010 } }`;
const POD = `kind: Pod
metadata: { name: shop, labels: { app: shop } }
spec:
  terminationGracePeriodSeconds: 7
  initContainers:${SIDECAR}
  containers:
    - name: app
      image: a
      ports: [{ containerPort: 80, hostPort: 18080 }, { containerPort: 81 }]
      lifecycle:
        postStart: { exec: { command: [wait] } }
        preStop: { httpGet: { path: /drain, port: 14010, httpHeaders: [{ name: x, value: y }] } }
---
kind: ConfigMap
metadata: { name: code }
data: { a: b }
`;

interface Played {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly initContainers?: unknown;
    readonly containers: readonly Record<string, unknown>[];
  };
}
const played = (yaml: string): Played =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as Played)
    .find(({ kind }) => kind === "Pod") as Played;

test("a native sidecar comes first, is told apart, and is asked by its port's name", () => {
  const { containers, grace } = playedPod(POD, { pause: "p" });
  assert.deepEqual(
    containers.map(({ name, native }) => [name, native]),
    [
      ["side", true],
      ["app", false],
    ],
  );
  assert.deepEqual(containers[0]?.startup, { path: "/startupz", port: 14010 });
  assert.equal(grace, 7);
});

test("hooks are the suite's to call", () => {
  const [, app] = playedPod(POD, { pause: "p" }).containers;
  assert.deepEqual(app?.postStart, ["wait"]);
  assert.deepEqual(app.preStop, { path: "/drain", port: 14010, httpHeaders: [{ name: "x", value: "y" }] });
});

test("podman gets no probe, no hook, no port that only the pod has, and a container that outlasts the others", () => {
  const { spec } = played(playedPod(POD, { pause: "p" }).yaml);
  assert.deepEqual(spec.containers, [
    { name: "side", image: "s", ports: [] },
    { name: "app", image: "a", ports: [{ containerPort: 80, hostPort: 18080 }] },
    { name: PAUSE, image: "p", command: ["/catatonit", "-P"] },
  ]);
  assert.equal(spec.initContainers, undefined);
});

test("a Deployment is one pod of its template, under the name that is asked for", () => {
  const deployment = `kind: Deployment
metadata: { name: shop }
spec: { replicas: 3, template: { metadata: { labels: { app: shop } }, spec: { containers: [{ name: app, image: a }] } } }
`;
  assert.equal(playedPod(deployment, { pause: "p" }).name, "shop");
  assert.equal(played(playedPod(deployment, { pause: "p", name: "shop-2" }).yaml).metadata.name, "shop-2");
});

test("what it cannot play is refused: two pods, none, an init container that ends", () => {
  assert.throws(() => playedPod(`${POD}---\n${POD}`, { pause: "p" }), /this one has 2/);
  assert.throws(
    () => playedPod("kind: ConfigMap\nmetadata: { name: c }\n", { pause: "p" }),
    /this one has 0/,
  );
  assert.throws(
    () => playedPod(POD.replace("restartPolicy: Always", "stdin: false"), { pause: "p" }),
    /side is an init container/,
  );
});
