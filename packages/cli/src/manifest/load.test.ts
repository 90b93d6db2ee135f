import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Problem } from "./document.ts";
import { expand } from "./expansion.ts";
import { fieldsDocument } from "./fields-document.ts";
import { loadManifest, ManifestError, type Manifest } from "./load.ts";

function load(text: string): { manifest: Manifest; messages: string[] } {
  const problems: Problem[] = [];
  const manifest = loadManifest([{ file: "pod.yaml", text }], problems);
  return { manifest, messages: problems.length === 0 ? [] : new ManifestError(problems).message.split("\n") };
}

const HEAD = "apiVersion: v1\nkind: Pod\nmetadata: { name: shop }\nspec:\n";

const WRONG: readonly [sentence: string, text: string, messages: readonly (string | RegExp)[]][] = [
  [
    "an unknown field is named with its nearest neighbour and what is accepted",
    `${HEAD}  containers:\n    - name: web\n      image: a\n      imagePullPolcy: Always\n`,
    [
      /^pod\.yaml:8:7: spec\.containers\[0\]\.imagePullPolcy: unknown field, did you mean imagePullPolicy\? Accepted here: name, image, command,/,
    ],
  ],
  [
    "an unknown field without a neighbour is named all the same",
    `${HEAD}  containers: [{ name: web, image: a, zzzzzz: 1 }]\n`,
    [/^pod\.yaml:5:39: spec\.containers\[0\]\.zzzzzz: unknown field\. Accepted here: name,/],
  ],
  [
    "a refused field says why",
    `${HEAD}  hostNetwork: true\n  containers: [{ name: web, image: a, stdin: true, tty: false }]\n`,
    [
      /^pod\.yaml:5:16: spec\.hostNetwork: refused: .*; found true$/,
      /^pod\.yaml:6:46: spec\.containers\[0\]\.stdin: refused: standard input is closed here.*; found true$/,
    ],
  ],
  [
    "a gRPC probe is refused by name",
    `${HEAD}  containers: [{ name: web, image: a, livenessProbe: { grpc: { port: 1 } } }]\n`,
    [
      /spec\.containers\[0\]\.livenessProbe\.grpc: refused: gRPC probes are not done yet: probe with httpGet, tcpSocket or exec; found a mapping$/,
    ],
  ],
  [
    "a missing required field names what it is",
    `${HEAD}  containers:\n    - image: a\n`,
    [/^pod\.yaml:6:7: spec\.containers\[0\]\.name: is required: a DNS label/],
  ],
  [
    "a number where a string belongs shows how to quote it",
    `${HEAD}  containers: [{ name: web, image: a, env: [{ name: A, value: 1.10 }] }]\n`,
    [
      /^pod\.yaml:5:63: spec\.containers\[0\]\.env\[0\]\.value: found 1\.1, accepted: a string; put it in quotes: "1\.10"$/,
    ],
  ],
  [
    "yes is a boolean to kubectl, so it is not a string here either",
    `${HEAD}  containers: [{ name: web, image: a, env: [{ name: A, value: yes }] }]\n`,
    [/found true, accepted: a string; put it in quotes: "yes"$/],
  ],
  [
    "a wrong choice lists the choices",
    `${HEAD}  restartPolicy: Allways\n  containers: [{ name: web, image: a }]\n`,
    [
      'pod.yaml:5:18: spec.restartPolicy: found "Allways", accepted: Always, OnFailure, Never; did you mean Always?',
    ],
  ],
  [
    "a number out of range says the range",
    `${HEAD}  containers: [{ name: web, image: a, ports: [{ containerPort: 70000 }] }]\n`,
    [
      "pod.yaml:5:64: spec.containers[0].ports[0].containerPort: found 70000, accepted: a whole number from 1 to 65535",
    ],
  ],
  [
    "a mapping where a list belongs",
    `${HEAD}  containers: { name: web }\n`,
    ["pod.yaml:5:15: spec.containers: found a mapping, accepted: a list"],
  ],
  [
    "a bad quantity",
    `${HEAD}  containers: [{ name: web, image: a, resources: { limits: { cpu: lots } } }]\n`,
    [
      /spec\.containers\[0\]\.resources\.limits\.cpu: found "lots", accepted: a quantity, for example 500m, 2 or 64Mi$/,
    ],
  ],
  [
    "a bad name says what a name is",
    `apiVersion: v1\nkind: Pod\nmetadata: { name: Shop_1 }\nspec: { containers: [{ name: web, image: a }] }\n`,
    [/^pod\.yaml:3:19: metadata\.name: found "Shop_1", accepted: a DNS name/],
  ],
  [
    "an unknown kind is answered with the kinds that are read",
    "apiVersion: apps/v1\nkind: Deploymnt\n",
    [
      'pod.yaml:2:7: kind: found "Deploymnt", accepted: Pod, Deployment, Job, ConfigMap, Secret, Service; did you mean Deployment?',
    ],
  ],
  [
    "a wrong apiVersion names the right one",
    "apiVersion: v1\nkind: Deployment\n",
    ['pod.yaml:1:13: apiVersion: found "v1", accepted: apps/v1 for a Deployment'],
  ],
  [
    "what is not a mapping is no object",
    "- a\n",
    ["pod.yaml:1:1: found no mapping, accepted: a Kubernetes object"],
  ],
  [
    "what Node would throw at is refused: a probe's path, host and headers",
    `${HEAD}  containers: [{ name: web, image: a, livenessProbe: { httpGet: { port: 1,\n    path: "/a b",\n    host: "a\\nb",\n    httpHeaders: [{ name: "X Y", value: ok },\n      { name: X, value: "a\\nb" }] } } }]\n`,
    [
      /^pod\.yaml:6:11: spec\.containers\[0\]\.livenessProbe\.httpGet\.path: found "\/a b", accepted: a path of printable ASCII without blanks: write %20/,
      /httpGet\.host: found "a\\nb", accepted: a host name or an IP address$/,
      /httpGet\.httpHeaders\[0\]\.name: found "X Y", accepted: a header's name/,
      /httpGet\.httpHeaders\[1\]\.value: found "a\\nb", accepted: a header's value: one line/,
    ],
  ],
  [
    "a control byte in a probe's path is refused",
    `${HEAD}  containers: [{ name: web, image: a, livenessProbe: { httpGet: { port: 1, path: "/\\x07" } } }]\n`,
    [/httpGet\.path: found "\/\\u0007", accepted: a path of printable ASCII/],
  ],
  [
    "a probe's time beyond what a timer can hold is refused",
    `${HEAD}  containers: [{ name: web, image: a, livenessProbe: { tcpSocket: { port: 1 }, timeoutSeconds: 2147484, periodSeconds: 2000000000 } }]\n`,
    [
      /livenessProbe\.timeoutSeconds: found 2147484, accepted: a whole number from 1 to 2147483$/,
      /livenessProbe\.periodSeconds: found 2000000000, accepted: a whole number from 1 to 2147483$/,
    ],
  ],
  [
    "a stop signal that does not exist is answered with those that do",
    `${HEAD}  containers: [{ name: web, image: a, lifecycle: { stopSignal: SIGFOO } }]\n`,
    [/lifecycle\.stopSignal: found "SIGFOO", accepted: SIGTERM, SIGINT, SIGQUIT, /],
  ],
  [
    "a NUL byte in command, args, env and workingDir is refused",
    `${HEAD}  containers: [{ name: web, image: a, command: ["a\\0"],\n    args: ["\\0"],\n    workingDir: "/\\0",\n    env: [{ name: A, value: "\\0" }] }]\n`,
    [
      "pod.yaml:5:49: spec.containers[0].command[0]: found a NUL byte (\\0), accepted: a string without one",
      /spec\.containers\[0\]\.args\[0\]: found a NUL byte/,
      /spec\.containers\[0\]\.workingDir: found a NUL byte/,
      /spec\.containers\[0\]\.env\[0\]\.value: found a NUL byte/,
    ],
  ],
  [
    "a host alias that would write a line of its own into the hosts file is refused",
    `${HEAD}  hostAliases: [{ ip: 127.0.0.1, hostnames: ["a\\n127.0.0.1 b"] }]\n  containers: [{ name: web, image: a }]\n`,
    [
      /spec\.hostAliases\[0\]\.hostnames\[0\]: found "a\\n127\.0\.0\.1 b", accepted: a host name or an IP address$/,
    ],
  ],
  [
    "an alias that names nothing is told what there is",
    `a: &x 1\nb: &y 2\nc: *z\n`,
    ["pod.yaml:3:4: not usable YAML: *z names no anchor that stands before it; there are: x, y"],
  ],
  [
    "an alias inside what it names has no end, by a merge key too",
    `a: &a [*a]\nb: &b { <<: *b }\n`,
    [
      "pod.yaml:1:8: not usable YAML: *a stands inside what it names (&a): it has no end",
      "pod.yaml:2:13: not usable YAML: *b stands inside what it names (&b): it has no end",
    ],
  ],
  [
    "nesting without an end is refused",
    `a: ${"[".repeat(150)}${"]".repeat(150)}\n`,
    [
      /^pod\.yaml:1:\d+: not usable YAML: is nested deeper than 100 levels, which no manifest is: close the brackets, or take levels out$/,
    ],
  ],
  [
    "nesting that the parser itself cannot follow is one problem, and so is each other document's",
    `kind: Pod\n---\na: ${"[".repeat(100_000)}\n---\nkind: [\n`,
    [
      /^pod\.yaml:1:1: apiVersion: found nothing/,
      /^pod\.yaml:3:\d+: not usable YAML: is nested deeper than 100 levels, which no manifest is/,
      /^pod\.yaml:\d:\d+: not YAML: /,
    ],
  ],
  [
    "a key that is no name, and a key that is written twice",
    `? [a]\n: 1\nb: 1\n"b": 2\n`,
    [
      "pod.yaml:1:3: not usable YAML: found a mapping or list as a key, accepted: a name",
      'pod.yaml:4:1: not usable YAML: the key "b" is written twice in one mapping',
    ],
  ],
  [
    "what is no base64 is refused by its key; no value of a Secret is shown",
    `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata:\n  token: hunter2!\n  pin: 123456\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: t }\nstringData: { pin: 123456, list: [hunter2] }\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: u }\nstringData: hunter2\n`,
    [
      "pod.yaml:5:10: data.token: found a string (a Secret's value is not shown), accepted: base64, as base64(1) writes it; plain text has its place beside it",
      "pod.yaml:6:8: data.pin: found a number (a Secret's value is not shown), accepted: a string; put it in quotes",
      "pod.yaml:11:20: stringData.pin: found a number (a Secret's value is not shown), accepted: a string; put it in quotes",
      "pod.yaml:11:34: stringData.list: found a list, accepted: a string",
      "pod.yaml:16:13: stringData: found a string (a Secret's value is not shown), accepted: a mapping of names, each value a string",
    ],
  ],
  [
    "a syntax error does not quote what may be a Secret's",
    `kind: Secret\nstringData:\n  a: |hunter2\n`,
    ["pod.yaml:3:7: not YAML: Block scalar header includes extra characters"],
  ],
  ["a syntax error has its place", "kind: Pod\nmetadata: {\n", [/^pod\.yaml:\d:\d+: not YAML: /]],
  [
    "the same object twice",
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n`,
    ["pod.yaml:7:19: metadata.name: ConfigMap default/a is declared a second time, first at pod.yaml:3"],
  ],
];

for (const [sentence, text, expected] of WRONG) {
  test(`manifest error: ${sentence}`, () => {
    const { messages } = load(text);
    assert.equal(messages.length, expected.length, messages.join("\n"));
    for (const [index, pattern] of expected.entries()) {
      if (typeof pattern === "string") assert.equal(messages[index], pattern);
      else assert.match(messages[index] as string, pattern);
    }
  });
}

test("all problems of all documents come at once, in the order of the file", () => {
  const { messages } = load(
    WRONG.slice(0, 8)
      .map(([, text], index) => text.replace("shop", `shop${index}`))
      .join("---\n"),
  );
  const lines = messages.map((message) => Number(message.split(":")[1]));
  assert.ok(messages.length >= 9);
  assert.deepEqual(
    lines,
    [...lines].sort((a, b) => a - b),
  );
});

test("of more problems than a person reads the first are shown, and how many there are beside them", () => {
  const { messages } = load("]\n".repeat(20_000));
  assert.equal(messages.length, 21);
  assert.equal(messages[0], "pod.yaml:1:1: not YAML: Unexpected flow-seq-end token in YAML document");
  assert.match(messages[19] ?? "", /^pod\.yaml:20:1: /);
  assert.equal(messages[20], "and 19980 more: mend these first");
});

test("octal modes, anchors, merge keys and nulls are read as kubectl reads them", () => {
  const { manifest, messages } = load(`${HEAD}
  containers:
    - &base { name: web, image: a, env: , ports: [{ containerPort: 80 }] }
    - <<: *base
      name: api
  volumes: [{ name: v, configMap: { name: c, defaultMode: 0640 } }]\n`);
  assert.deepEqual(messages, []);
  const spec = manifest.pods[0]?.spec;
  assert.equal(spec?.volumes?.[0]?.configMap?.defaultMode, 0o640);
  assert.equal(spec?.containers[1]?.name, "api");
  assert.equal(spec?.containers[1]?.ports?.[0]?.containerPort, 80);
  assert.equal(spec?.containers[0]?.env, undefined);
});

test("aliases that multiply are refused, and read in no time", () => {
  const laughs = Array.from({ length: 60 }, (_, level) =>
    level === 0 ? "l0: &l0 [ha]" : `l${level}: &l${level} [${`*l${level - 1},`.repeat(9)}]`,
  );
  const began = performance.now();
  const { messages } = load(
    `${HEAD}  containers: [{ name: web, image: a }]\n  affinity:\n    ${laughs.join("\n    ")}\n`,
  );
  assert.deepEqual(messages, [
    "pod.yaml:1:1: not usable YAML: its aliases add more than 100000 values to those that are written: write it out",
  ]);
  assert.ok(performance.now() - began < 2000);
});

test("an anchor that many containers use is followed each time", () => {
  const { manifest, messages } = load(
    `${HEAD}  volumes: [{ name: v }]\n  containers:\n    - &c { name: c0, image: a, env: &e [{ name: A, value: b }] }\n${Array.from(
      { length: 300 },
      (_, index) => `    - { <<: *c, name: d${index}, env: *e }\n`,
    ).join("")}`,
  );
  assert.deepEqual(messages, []);
  assert.equal(manifest.pods[0]?.spec.containers.at(-1)?.env?.[0]?.value, "b");
});

test("a ConfigMap of 50,000 keys is read in time that grows with its keys, not with their square", () => {
  const timeOf = (keys: number): number => {
    const lines = Array.from({ length: keys }, (_, index) => `  key-${index}: value\n`).join("");
    const began = performance.now();
    const { manifest, messages } = load(
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata:\n${lines}`,
    );
    assert.deepEqual(messages, []);
    assert.equal(Object.keys(manifest.configMaps.get("default/c")?.data ?? {}).length, keys);
    return performance.now() - began;
  };
  timeOf(5000);
  const [small, large] = [timeOf(5000), timeOf(50_000)];
  assert.ok(large < 40 * small, `5,000 keys: ${small} ms; 50,000 keys: ${large} ms`);
});

test("irrelevant fields are listed once each, the outermost only", () => {
  const { manifest, messages } = load(`${HEAD}
  tolerations: [{ key: a }]
  securityContext: { runAsUser: 1, fsGroup: 2 }
  containers:
    - { name: a, image: a, imagePullPolicy: Always, resources: { limits: { cpu: 1 } } }
    - { name: b, image: a, imagePullPolicy: Always }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
`);
  assert.deepEqual(messages, []);
  assert.deepEqual(
    manifest.unused.map(({ path }) => path),
    [
      "spec.tolerations",
      "spec.securityContext",
      "spec.containers[].imagePullPolicy",
      "spec.containers[].resources.limits",
      "kind Role",
    ],
  );
});

test("a Deployment's pod has the template's labels and the Deployment's namespace", () => {
  const { manifest, messages } = load(`apiVersion: apps/v1
kind: Deployment
metadata: { name: front, namespace: web, labels: { not: mine } }
spec:
  replicas: 3
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: a, image: b }] }
`);
  assert.deepEqual(messages, []);
  const pod = manifest.pods[0];
  assert.equal(pod?.metadata.namespace, "web");
  assert.deepEqual(pod?.metadata.labels, { app: "x" });
  assert.deepEqual(pod?.specPath, ["spec", "template", "spec"]);
});

test("any text at all gives problems or pods, never an exception", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json(), fc.constantFrom(...WRONG.map(([, text]) => text))),
      (text) => {
        load(text);
      },
    ),
    { numRuns: 300 },
  );
});

test("FIELDS.md is up to date with the table (npm run generate writes it)", () => {
  assert.equal(readFileSync(new URL("../../FIELDS.md", import.meta.url), "utf8"), fieldsDocument());
});

for (const [input, expected] of [
  ["$(A)", "1"],
  ["$(NONE)", "$(NONE)"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$", "$"],
  ["a$b", "a$b"],
  ["$(A", "$(A"],
  ["$()", "$()"],
  ["$(A)$(B)-$(A)", "1$(A)-1"],
] as const) {
  test(`the kubelet expands ${input} to ${expected}`, () => {
    assert.equal(
      expand(
        input,
        new Map([
          ["A", "1"],
          ["B", "$(A)"],
        ]),
      ),
      expected,
    );
  });
}
