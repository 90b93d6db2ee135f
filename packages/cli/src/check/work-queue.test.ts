/** A StatefulSet with an embedded work queue, in which nothing is wrong, and what is found when a line of it is another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkManifests } from "./check.ts";
import { factsOf, type AskPattern } from "./pattern-facts.ts";

const WELL = `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec:
  serviceName: web
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
    spec:
      securityContext: { fsGroup: 65532 }
      initContainers:
        - name: outrigger-work-queue
          image: ghcr.io/outrigger/work-queue-embedded:0.1.0
          restartPolicy: Always
          args: [--backend=embedded:/var/lib/queue/jobs, "--workload=http://127.0.0.1:3000"]
          ports: [{ name: probe-14040, containerPort: 14040 }, { name: queue-8080, containerPort: 8080 }]
          startupProbe: { httpGet: { path: /startupz, port: 14040 }, periodSeconds: 1 }
          volumeMounts: [{ name: jobs, mountPath: /var/lib/queue }]
      containers:
        - name: web
          image: acme/web:1
          ports: [{ containerPort: 3000 }]
  volumeClaimTemplates:
    - metadata: { name: jobs }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;
const CLAIMS = /  volumeClaimTemplates:\n.*\n.*\n/.exec(WELL)?.[0] ?? "";
const volume = (source: string): readonly [string, string] => [
  CLAIMS,
  `      volumes: [{ name: jobs, ${source} }]\n`,
];
const CLAIM = volume("persistentVolumeClaim: { claimName: jobs }");
const EMPTY = volume("emptyDir: {}");
const DEPLOYMENT = ["kind: StatefulSet", "kind: Deployment"] as const;
const OF_SET = ["  serviceName: web\n", ""] as const;
const RECREATE = ["  serviceName: web\n", "  strategy: { type: Recreate }\n"] as const;
const REDIS = ["embedded:/var/lib/queue/jobs", "redis://redis:6379"] as const;
const PLAIN = ["work-queue-embedded", "work-queue"] as const;
const REPLICAS = ["  selector: { match", "  replicas: 2\n  selector: { match"] as const;
const STRAIGHT = ["targetPort: 8080", "targetPort: 3000"] as const;
const FILES = ["workload=http://127.0.0.1:3000", "workload=files:/var/lib/queue/files"] as const;
const PROGRAM = [
  "          image: acme/web:1\n",
  "          image: acme/web:1\n          volumeMounts: [{ name: jobs, mountPath: /anywhere }]\n",
] as const;
const SIDECAR = "spec.template.spec.initContainers[0]";

for (const [sentence, edits, found] of [
  ["nothing, as it stands", [], []],
  [
    "a folder on no volume",
    [
      ["mountPath: /var/lib/queue }", "mountPath: /var/lib }"],
      ["/var/lib/queue/jobs", "/tmp/jobs"],
    ],
    [["queue-folder-unmounted", "spec.template.spec"]],
  ],
  [
    "a volume whose name only begins like the folder's",
    [["mountPath: /var/lib/queue }", "mountPath: /var/lib/queue/job }"]],
    [["queue-folder-unmounted", "spec.template.spec"]],
  ],
  [
    "an emptyDir",
    [DEPLOYMENT, OF_SET, EMPTY],
    [["queue-ends-with-pod", "spec.template.spec.volumes[0].emptyDir"]],
  ],
  ["replicas", [REPLICAS], [["queue-per-replica", "spec.replicas"]]],
  ["a DaemonSet", [["kind: StatefulSet", "kind: DaemonSet"], OF_SET, CLAIM], [["queue-per-replica", "kind"]]],
  ["a rollout that waits for itself", [DEPLOYMENT, OF_SET, CLAIM], [["queue-rollout-waits", "spec"]]],
  [
    "a strategy that says so",
    [DEPLOYMENT, ["  serviceName: web\n", "  strategy: { type: RollingUpdate }\n"], CLAIM],
    [["queue-rollout-waits", "spec.strategy.type"]],
  ],
  ["but not where the pod is recreated", [DEPLOYMENT, RECREATE, CLAIM], []],
  ["the image without a database", [PLAIN], [["queue-without-database", `${SIDECAR}.image`]]],
  ["but not with Redis, whose image, replicas and volumes are anything", [PLAIN, REDIS, REPLICAS, EMPTY], []],
  ["a Service past it", [STRAIGHT], [["service-bypasses-queue", "spec.ports[0].targetPort"]]],
  ["but not past a worker alone", [STRAIGHT, PLAIN, REDIS, ["args: [", "args: [--role=worker, "], CLAIM], []],
  [
    "nothing, as an ordinary container: its callers are not in the pod",
    [
      ["      initContainers:\n", "      containers:\n"],
      ["          restartPolicy: Always\n", ""],
      ["      containers:\n        - name: web", "        - name: web"],
    ],
    [],
  ],
  ["nothing of the port of a program that reads files", [PLAIN, REDIS, FILES, STRAIGHT, PROGRAM], []],
  [
    "a program that cannot see its files",
    [PLAIN, REDIS, FILES, STRAIGHT],
    [["queue-files-unshared", SIDECAR]],
  ],
  ...(
    [
      ["another part of the volume", "{ name: jobs, mountPath: /a, subPath: other }", true],
      ["a part whose name only begins like it", "{ name: jobs, mountPath: /a, subPath: file }", true],
      ["the volume, which it may not write", "{ name: jobs, mountPath: /a, readOnly: true }", true],
      ["that part of the volume", "{ name: jobs, mountPath: /a, subPath: files/ }", false],
      ["a part of that part", "{ name: jobs, mountPath: /a, subPath: files/in }", false],
      ["a part that only its own variables name", "{ name: jobs, mountPath: /a, subPathExpr: $(A) }", false],
    ] as const
  ).map(
    ([what, mount, isFound]) =>
      [
        `a program that mounts ${what}: ${isFound ? "that" : "nothing"}`,
        [PLAIN, REDIS, FILES, STRAIGHT, [PROGRAM[0], PROGRAM[1].replace(/\{.*\}/, mount)] as const],
        isFound ? [["queue-files-unshared", SIDECAR]] : [],
      ] as const,
  ),
  [
    "files that the worker may not write",
    [
      ...[PLAIN, REDIS, FILES, STRAIGHT, PROGRAM],
      ["mountPath: /var/lib/queue }", "mountPath: /var/lib/queue, readOnly: true }"],
    ],
    [["queue-files-unshared", SIDECAR]],
  ],
  [
    "files on no volume",
    [PLAIN, REDIS, ["workload=http://127.0.0.1:3000", "workload=files:/work"], STRAIGHT, PROGRAM],
    [["queue-files-unshared", SIDECAR]],
  ],
  [
    "the workload on the port of its front",
    [["containerPort: 3000", "containerPort: 8080"]],
    [["port-collision", "spec.template.spec.containers[0].ports[0].containerPort"]],
  ],
] as const) {
  test(`of a work queue is found: ${sentence}`, async () => {
    let text = WELL;
    for (const [from, to] of edits) {
      assert.ok(text.includes(from), `the manifest has no ${from}`);
      text = text.replace(from, () => to);
    }
    const unasked: AskPattern = (pattern, words) => factsOf(pattern, { ...words, unknown: "not asked" });
    for (const [how, ask] of [
      ["by its program", factsOf],
      ["by its words", unasked],
    ] as const) {
      const result = await checkManifests([{ file: "web.yaml", text }], ask);
      assert.deepEqual(
        result.found.filter(({ id }) => id !== "not-checked").map(({ id, path }) => [id, path]),
        found,
        `${how}: ${JSON.stringify(result.found, null, 2)}`,
      );
    }
  });
}

test("of a Pod on an emptyDir nothing is found: nobody makes another of it", async () => {
  const pod = /    spec:\n[^]*?(?=  volumeClaimTemplates)/.exec(WELL)?.[0].replace(/^ {4}/gm, "") ?? "";
  const text = `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n${pod}  volumes: [{ name: jobs, emptyDir: {} }]\n`;
  const result = await checkManifests([{ file: "pod.yaml", text }]);
  assert.deepEqual([result.found, result.patterns], [[], 1]);
});
