/** The example's Deployment, in which nothing is wrong, and what is found of its leader-elector when a line of it is another. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkManifests } from "./check.ts";

const WELL = readFileSync(
  new URL("../../../../examples/leader-elector/deployment.yaml", import.meta.url),
  "utf8",
);
const READY = "readinessProbe: { httpGet: { path: /readyz, port: 14030 } }";
const ASKS_LEADER = "readinessProbe: { httpGet: { path: /isLeader, port: 14030 } }";
const CONTAINER = "spec.template.spec.containers[0]";
const BESIDE = `        - name: web
          image: acme/web:1
          ${ASKS_LEADER}
`;

for (const [sentence, edits, found] of [
  ["nothing, as it stands", [], []],
  [
    "standbys that are never ready",
    [[READY, ASKS_LEADER]],
    [["readiness-is-leader", `${CONTAINER}.readinessProbe.httpGet.path`]],
  ],
  [
    "those of a StatefulSet, too",
    [
      [READY, ASKS_LEADER],
      ["kind: Deployment", "kind: StatefulSet"],
    ],
    [["readiness-is-leader", `${CONTAINER}.readinessProbe.httpGet.path`]],
  ],
  [
    "by the workload's own probe",
    [["      volumes:\n", `${BESIDE}      volumes:\n`]],
    [["readiness-is-leader", "spec.template.spec.containers[1].readinessProbe.httpGet.path"]],
  ],
  [
    "a livenessProbe that restarts standbys",
    [["livenessProbe: { httpGet: { path: /livez", "livenessProbe: { httpGet: { path: /isLeader"]],
    [["pattern-probe-path", `${CONTAINER}.livenessProbe.httpGet.path`]],
  ],
  [
    "rights on another Lease",
    [["resourceNames: [ticker]", "resourceNames: [other]"]],
    [["lease-rights-missing", `${CONTAINER}.args`]],
  ],
  [
    "rights without update",
    [["verbs: [get, update]", "verbs: [get, list, watch]"]],
    [["lease-rights-missing", `${CONTAINER}.args`]],
  ],
  [
    "rights of another account",
    [["serviceAccountName: ticker", "serviceAccountName: other"]],
    [["lease-rights-missing", `${CONTAINER}.args`]],
  ],
  [
    "rights in another namespace than the Lease's",
    [["- --election=ticker", "- --election=ticker\n            - --namespace=other"]],
    [["lease-rights-missing", `${CONTAINER}.args`]],
  ],
  [
    "no rights on the leader's EndpointSlice, also with the lease in Redis",
    [
      [
        "- --election=ticker",
        "- --election=ticker\n            - --store=redis://redis\n            - --service=ticker\n            - --service-ports=80",
      ],
    ],
    [["lease-rights-missing", `${CONTAINER}.args`]],
  ],
  [
    "but not where they are granted, too",
    [
      [
        "- --election=ticker",
        "- --election=ticker\n            - --service=ticker\n            - --service-ports=80\n            - --slice=ours",
      ],
      [
        "    verbs: [get, update]\n",
        "    verbs: [get, update]\n  - apiGroups: [discovery.k8s.io]\n    resources: [endpointslices]\n    resourceNames: [ours]\n    verbs: [get, update]\n",
      ],
    ],
    [],
  ],
  ["but not where all Leases are granted", [["    resourceNames: [ticker]\n", ""]], []],
  [
    "nor where the lease is in Redis",
    [
      ["- --election=ticker", "- --election=ticker\n            - --store=redis://redis"],
      ["resourceNames: [ticker]", "resourceNames: [other]"],
    ],
    [],
  ],
] as const) {
  test(`of a leader-elector is found: ${sentence}`, async () => {
    let text = WELL;
    for (const [from, to] of edits) {
      assert.ok(text.includes(from), `the example has no ${from}`);
      text = text.replace(from, () => to);
    }
    const result = await checkManifests([{ file: "deployment.yaml", text }]);
    assert.deepEqual(
      result.found.map(({ id, path }) => [id, path]),
      found,
      JSON.stringify(result.found, null, 2),
    );
  });
}

test("of a Pod that asks for /isLeader nothing is found: nobody waits for its standbys", async () => {
  const text = `apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers:
    - name: ticker
      image: ghcr.io/outrigger/leader-elector:0.1.0
      args: [--election=ticker, "--store=file:/elections"]
      ${ASKS_LEADER}
`;
  assert.deepEqual((await checkManifests([{ file: "pod.yaml", text }])).found, []);
});
