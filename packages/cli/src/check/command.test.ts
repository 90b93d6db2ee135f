/** The `outrigger check` command as a user has it: manifests in, lines and an exit code out. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Folder } from "../testing/outrigger.ts";
import { checkManifests } from "./check.ts";
import { FINDINGS, withFindings } from "./findings.ts";

const BIN = fileURLToPath(new URL("../../bin/outrigger.js", import.meta.url));

const outrigger = (
  words: readonly string[],
  input = "",
): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], {
    input,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout, err: stderr };
};

/** An ambassador that nobody waits for (a warning), and whose liveness is asked on a data port (an error). */
const SIDECAR = {
  name: "ambassador",
  image: "outrigger/ambassador",
  restartPolicy: "Always",
  args: ["--route=8001=http://catalog:80"],
  livenessProbe: { httpGet: { path: "/livez", port: 8001 } },
};
const SPEC = {
  restartPolicy: "Always",
  initContainers: [SIDECAR],
  containers: [{ name: "web", image: "web" }],
};
const POD = { apiVersion: "v1", kind: "Pod", metadata: { name: "shop" }, spec: SPEC };
const WELL = {
  ...POD,
  spec: {
    ...SPEC,
    initContainers: [{ ...SIDECAR, startupProbe: probe("/startupz"), livenessProbe: probe("/livez") }],
  },
};
function probe(path: string): object {
  return { httpGet: { path, port: 14010 } };
}

test("it reads standard input, prints a line for each finding in the input's order, counts them, and exits 1", () => {
  const { code, out, err } = outrigger(["check"], JSON.stringify(POD, null, 1));
  assert.equal(
    out,
    `stdin:10:4: spec.initContainers[0]: warning: nobody waits until it listens: add startupProbe: { httpGet: { path: /startupz, port: 14010 }, periodSeconds: 1 } (startup-probe-missing)
stdin:20:15: spec.initContainers[0].livenessProbe.httpGet.port: found 8001, its probe port is 14010: write 14010 (pattern-probe-port)
`,
  );
  assert.deepEqual([code, err], [1, "1 pod, 1 pattern container: 1 error, 1 warning\n"]);
});

test("it exits 0 with warnings only, with no finding, and with nothing to check", () => {
  const warned = {
    ...POD,
    spec: { ...SPEC, initContainers: [{ ...SIDECAR, livenessProbe: probe("/livez") }] },
  };
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: {} };
  for (const [object, words] of [
    [warned, "1 pod, 1 pattern container: 0 errors, 1 warning\n"],
    [WELL, "1 pod, 1 pattern container: 0 errors, 0 warnings\n"],
    [service, "0 pods, and no pattern of Outrigger in them: nothing to check\n"],
  ] as const) {
    const { code, err } = outrigger(["check", "-f", "-"], JSON.stringify(object));
    assert.deepEqual([code, err], [0, words]);
  }
});

test("it exits 2 where it cannot read: no such file, no YAML, a flag or an id that does not exist", () => {
  using folder = new Folder();
  const broken = folder.write("broken.yaml", "a: [1\n---\nb: }\n");
  for (const [words, message] of [
    [["-f", `${folder.path}/none.yaml`], /^cannot read \S+none\.yaml: there is no such file\n$/],
    [[broken], /broken\.yaml:2:1: not YAML: .*\n.*broken\.yaml:3:4: not YAML: /],
    [["--explian"], /^unknown flag --explian, did you mean --explain\? See outrigger check --help\n$/],
    [
      ["--explain", "gate-prestop-port"],
      /there is no such finding \(did you mean gate-pre-stop-port\?\); there are: /,
    ],
  ] as const) {
    const { code, out, err } = outrigger(["check", ...words]);
    assert.deepEqual([code, out], [2, ""], err);
    assert.match(err, message);
  }
});

test("several files are one input: a Service of one, the pod of another", () => {
  using folder = new Folder();
  const gate = {
    ...SIDECAR,
    startupProbe: probe("/startupz"),
    livenessProbe: probe("/livez"),
    args: ["--route=0.0.0.0:8080=http://127.0.0.1:3000?role=ingress"],
  };
  const pod = {
    ...POD,
    metadata: { name: "shop", labels: { app: "shop" } },
    spec: { ...SPEC, initContainers: [gate] },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {},
    spec: { selector: { app: "shop" }, ports: [{ port: 3000 }] },
  };
  const files = [
    folder.write("service.json", JSON.stringify(service)),
    folder.write("pod.json", JSON.stringify(pod)),
  ];
  const { code, out } = outrigger(["check", "-f", files[0] as string, files[1] as string]);
  assert.equal(code, 1);
  assert.match(
    out,
    /service\.json:1:\d+: spec\.ports\[0\]: .* \(service-bypasses-gate\)\n.*pod\.json:1:\d+: .* \(gate-pre-stop-missing\)\n$/,
  );
});

const template = { metadata: {}, spec: SPEC };
for (const [kind, object, path] of [
  ["StatefulSet", { apiVersion: "apps/v1", spec: { template } }, "spec.template.spec"],
  ["DaemonSet", { apiVersion: "apps/v1", spec: { template } }, "spec.template.spec"],
  ["ReplicaSet", { apiVersion: "apps/v1", spec: { template } }, "spec.template.spec"],
  ["Job", { apiVersion: "batch/v1", spec: { template } }, "spec.template.spec"],
  [
    "CronJob",
    { apiVersion: "batch/v1", spec: { jobTemplate: { spec: { template } } } },
    "spec.jobTemplate.spec.template.spec",
  ],
  ["List", { apiVersion: "v1", items: [{ kind: "Secret" }, POD] }, "items[1].spec"],
] as const) {
  test(`the pods of a ${kind} are checked`, async () => {
    const { found, pods } = await checkManifests([{ file: "a", text: JSON.stringify({ kind, ...object }) }]);
    assert.equal(pods, 1);
    assert.deepEqual(
      found.map((each) => each.path),
      [`${path}.initContainers[0]`, `${path}.initContainers[0].livenessProbe.httpGet.port`],
    );
  });
}

test("what is wrong in a mounted ConfigMap is told at its own line and column, once for all pods that mount it", async () => {
  const mounted = (name: string): object => ({
    ...WELL,
    metadata: { name },
    spec: {
      ...SPEC,
      volumes: [{ name: "config", configMap: { name: "routes" } }],
      initContainers: [
        {
          ...SIDECAR,
          args: ["--config", "/etc/outrigger/a.yaml"],
          startupProbe: probe("/startupz"),
          livenessProbe: probe("/livez"),
          volumeMounts: [{ name: "config", mountPath: "/etc/outrigger/" }],
        },
      ],
    },
  });
  const text = `kind: ConfigMap
apiVersion: v1
metadata:
  name: routes
data:
  a.yaml: |

      routes:
        - { listen: 8001, protocol: http, endpoints: ["catalog:80"], retriez: 2 }
      grase: 3s
---
${JSON.stringify(mounted("one"))}
---
${JSON.stringify(mounted("two"))}
`;
  const { found } = await checkManifests([{ file: "a", text }]);
  assert.deepEqual(
    found.map(({ line, column, path, id }) => [line, column, path, id]),
    [
      [9, 70, 'data["a.yaml"]', "configuration"],
      [10, 7, 'data["a.yaml"]', "configuration"],
    ],
  );
});

test("--explain prints the whole row of each finding", () => {
  const { code, out } = outrigger(["check", "--explain", "gate-pre-stop-port"]);
  assert.equal(code, 0);
  assert.match(out, /^gate-pre-stop-port \(error\)\n\n.*\n.*\n\nRemedy: .*\n$/);
});

test("the manual has every finding, and README.md has the table as it is", () => {
  const { out } = outrigger(["check", "--help"]);
  for (const { id, sentence } of FINDINGS) assert.ok(out.includes(`  ${id} `) && out.includes(sentence), id);
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  assert.ok(readme.includes("<!-- findings:begin -->"));
  assert.equal(readme, withFindings(readme), "run npm run generate");
});
