import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { OutriggerError } from "@outrigger/core";
import { parseInject, parseUninject } from "./command-line.ts";
import { inject, uninject } from "./inject.ts";
import type { Question } from "./question.ts";
import { INJECTABLES } from "./pattern-table.ts";
import { grantNote, grantsFor, rbacManifest } from "./rbac.ts";
import { readRoute } from "./route.ts";
import { modelProblems } from "./testing/object-model.ts";
import { readDocuments } from "../manifest/document.ts";
import { objectsOf, workloadOf, type Workload } from "../manifest/workload.ts";

const CATALOG = ["--ambassador", "8080=http://catalog:8080"];
const GATE = ["--gate", "9000=http://127.0.0.1:3000"];

/** A Deployment as a flow of block style: `spec` is its pod's. */
function deployment(spec: object, more: object = {}): string {
  return stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    ...more,
    spec: { selector: {}, template: { metadata: { labels: { app: "web" } }, spec } },
  });
}
const web = (more: object = {}): object => ({ name: "web", image: "acme/web:1", ...more });

async function run(text: string, words: readonly string[], questions: Question[] = []) {
  return inject([{ file: "web.yaml", text }], parseInject(words), (question) => {
    questions.push(question);
    return Promise.resolve(undefined);
  });
}

/** Each is refused with all of these in its message. */
const REFUSALS: readonly [sentence: string, text: string, words: readonly string[], message: RegExp][] = [
  [
    "a pod on the node's network",
    deployment({ hostNetwork: true, containers: [web()] }),
    CATALOG,
    /web\.yaml:\d+:\d+: spec\.template\.spec\.hostNetwork: is true: .* --allow-host-network/,
  ],
  [
    "a low port in a pod on the node's network, which may not set the sysctl",
    deployment({ hostNetwork: true, containers: [web()] }),
    ["--ambassador=80=http://catalog:80", "--allow-host-network"],
    /hostNetwork: is true, and a route listens on 80: .* --no-sysctl/,
  ],
  [
    "a sysctl that keeps a low port closed",
    deployment({
      securityContext: { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "443" }] },
      containers: [web()],
    }),
    ["--ambassador=80=http://catalog:80"],
    /sysctls\[0\]: net\.ipv4\.ip_unprivileged_port_start is 443, and a route listens on 80: set it to 80 or less/,
  ],
  [
    "a container on the probe port",
    deployment({ containers: [web({ ports: [{ containerPort: 14010 }] })] }),
    CATALOG,
    /ports\[0\]\.containerPort: container web has port 14010, which is the probe port of outrigger-ambassador: take/,
  ],
  [
    "an ambassador that somebody else has added, by the ports that its image has",
    deployment({ containers: [web({ image: "r.example/outrigger/ambassador:1" })] }),
    CATALOG,
    /containers\[0\]: container web has port 14010, .*\n.*control port/,
  ],
  [
    "a route on a port of the workload",
    deployment({ containers: [web({ ports: [{ containerPort: 8080 }] })] }),
    CATALOG,
    /containerPort: container web has port 8080, on which 8080 of the route .* let the route listen on a free port/,
  ],
  [
    "a gate on a port of the workload",
    deployment({ containers: [web({ ports: [{ containerPort: 9000 }] })] }),
    GATE,
    /container web has port 9000, .* let the gate listen on a free port, and the Service point there/,
  ],
  [
    "a native sidecar's port",
    deployment({
      initContainers: [
        web({ name: "car", restartPolicy: "Always", ports: [{ containerPort: 8080 }] }),
        web({ name: "init", ports: [{ containerPort: 14010 }] }),
      ],
      containers: [web()],
    }),
    CATALOG,
    /^web\.yaml:\d+:\d+: spec\.template\.spec\.initContainers\[0\]\.ports\[0\]\.containerPort: container car has port 8080[^\n]*$/,
  ],
  [
    "a container of our name that is not ours",
    deployment({ containers: [web({ name: "outrigger-ambassador" })] }),
    CATALOG,
    /containers\[0\]: a container outrigger-ambassador is there, and is not inject's/,
  ],
  [
    "a preStop of the workload's own",
    deployment({ containers: [web({ lifecycle: { preStop: { sleep: { seconds: 5 } } } })] }),
    GATE,
    /containers\[0\]\.lifecycle\.preStop: is there already, .* http:\/\/127\.0\.0\.1:14010\/drain with the header x-outrigger-drain: preStop .* --no-pre-stop/,
  ],
  [
    "a gate before one of several containers that do not say their ports",
    deployment({ containers: [web(), web({ name: "log" })] }),
    GATE,
    /spec\.containers: none has the containerPort 3000, .* say with --container which of them it is: web, log/,
  ],
  [
    "a --container that is not there",
    deployment({ containers: [web(), web({ name: "log" })] }),
    [...GATE, "--container=wbe"],
    /spec\.containers: there is no container wbe; there are: web, log/,
  ],
  [
    "an alias that means another address already",
    deployment({ hostAliases: [{ ip: "10.0.0.1", hostnames: ["catalog"] }], containers: [web()] }),
    CATALOG,
    /hostAliases\[0\]: makes catalog mean 10\.0\.0\.1, and the ambassador needs it to mean 127\.0\.0\.1: take the name out/,
  ],
  [
    "a route that would call itself",
    deployment({ containers: [web()] }),
    ["--ambassador=8080=http://catalog:8080?discovery=static"],
    /would call itself: discovery=static takes catalog from the pod's hosts file/,
  ],
  [
    "a Windows pod",
    deployment({ os: { name: "windows" }, containers: [web()] }),
    CATALOG,
    /spec\.os\.name: the images are Linux images/,
  ],
  [
    "a pod spec that is an alias",
    `x: &pod\n  containers: [{name: a, image: b}]\n${deployment({}).replace("spec: {}", "spec: *pod")}`,
    CATALOG,
    /spec\.template\.spec: is the alias \*pod: .* wherever &pod is used; write it out here/,
  ],
  [
    "a pod spec that another workload shares",
    `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: *x}\n`.replace(
      "*x",
      "{containers: []}",
    ) +
      `- apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n  spec: &shared\n    containers:\n    - {name: a, image: b}\n- {apiVersion: v1, kind: Pod, metadata: {name: c}, spec: *shared}\n`,
    [...CATALOG, "--only=pod/b"],
    /items\[1\]\.spec: is &shared, which web\.yaml:11:58 uses, too: what is added would be added there; write it out there$/,
  ],
  [
    "a list that comes in by a merge key",
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nx: &base\n  hostAliases:\n  - ip: 10.0.0.1\nspec:\n  <<: *base\n  containers:\n  - name: a\n    image: b\n`,
    CATALOG,
    /spec\.hostAliases: comes in by <<, and a key of its own would take its place: write it out beside the <</,
  ],
  [
    "null that is written",
    deployment({ initContainers: null, containers: [web()] }),
    CATALOG,
    /web\.yaml:12:23: spec\.template\.spec\.initContainers: is null: delete the word/,
  ],
  [
    "a one-line mapping",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n",
    CATALOG,
    /web\.yaml:4:7: spec: is written on one line, to which inject adds nothing: write it in block style/,
  ],
  [
    "a route in an annotation that is none, at its place",
    deployment({ containers: [web()] }).replace(
      "      labels:",
      "      annotations:\n        outrigger.dev/ambassador: 8080=catalog\n      labels:",
    ),
    [],
    /web\.yaml:\d+:\d+: spec\.template\.metadata\.annotations\["outrigger\.dev\/ambassador"\]: expected PROTOCOL/,
  ],
  [
    "a stream without pods",
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
    CATALOG,
    /found nothing that makes pods, accepted: Deployment, /,
  ],
  [
    "nothing to add",
    deployment({ containers: [web()] }),
    [],
    /nothing says what to add: give --ambassador ROUTE, --gate ROUTE, --leader-elector FLAG or --work-queue FLAG, or the annotation outrigger\.dev\/ambassador, /,
  ],
  [
    "an --only that names nothing",
    deployment({ containers: [web()] }),
    [...CATALOG, "--only=wbe"],
    /--only wbe: there is no such workload; there are: deployment\/web/,
  ],
  [
    "a gate of another role",
    deployment({ containers: [web()] }),
    ["--gate=9000=http://127.0.0.1:3000?role=egress"],
    /--gate: .*its role is "egress"; a gate's is ingress/,
  ],
  [
    "a gate that nobody outside reaches",
    deployment({ containers: [web()] }),
    ["--ambassador=9000=http://127.0.0.1:3000?role=ingress"],
    /listens on loopback, where nobody outside the pod reaches it: write 0\.0\.0\.0:9000=http:\/\/127\.0\.0\.1:3000\?role=ingress/,
  ],
  [
    "a gate that listens where it aims",
    deployment({ containers: [web()] }),
    ["--gate=3000=http://127.0.0.1:3000"],
    /--gate: the route \S+ would call itself: it listens on the port that it aims at; let it listen on a free one/,
  ],
  [
    "a route that listens where it aims",
    deployment({ containers: [web()] }),
    ["--ambassador=3000=http://localhost:3000"],
    /--ambassador: the route 3000=http:\/\/localhost:3000 would call itself/,
  ],
  [
    "a route on the port that a gate aims at, of a workload that does not declare it",
    deployment({ containers: [web()] }),
    [...GATE, "--ambassador=3000=http://catalog:3000"],
    /spec\.containers: the gate 0\.0\.0\.0:9000=\S+ aims at the port on which the route 3000=http:\/\/catalog:3000 is to listen/,
  ],
  [
    "a gate before something elsewhere",
    deployment({ containers: [web()] }),
    ["--gate=9000=http://web:3000"],
    /its target is 127\.0\.0\.1:PORT/,
  ],
  [
    "a secret in a route",
    deployment({ containers: [web()] }),
    ["--ambassador=9000=http://a:b@web:3000"],
    /pod specs are read by many/,
  ],
  ["what is no YAML", "a: [", CATALOG, /web\.yaml:1:\d+: not YAML/],
];

for (const [sentence, text, words, message] of REFUSALS) {
  test(`refused with its place and the remedy: ${sentence}`, async () => {
    await assert.rejects(run(text, words), (error) => {
      assert.ok(error instanceof OutriggerError);
      assert.ok(["bad-manifest", "usage", "route-secret", "bad-route"].includes(error.code), error.code);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("every problem of every pod is said at once", async () => {
  const bad = deployment({ hostNetwork: true, containers: [web({ ports: [{ containerPort: 8080 }] })] });
  await assert.rejects(run(`${bad}---\n${bad}`, CATALOG), (error: Error) => {
    assert.equal(error.message.split("\n").length, 4, error.message);
    return true;
  });
});

const aliasesOf = async (route: string, more: readonly string[] = []) => {
  const { output, notes } = await run(deployment({ containers: [web()] }), ["--ambassador", route, ...more]);
  const { hostAliases } = (parse(output) as { spec: { template: { spec: { hostAliases?: object } } } }).spec
    .template.spec;
  return { hostAliases, notes: notes.join("\n") };
};

test("a name is an alias where the route listens on its port, so that the old URL stays", async () => {
  const { hostAliases, notes } = await aliasesOf(
    "8080=http://a:8080,B.shop.:8080,10.0.0.1:8080,localhost:8081,c:81",
  );
  assert.deepEqual(hostAliases, [{ ip: "127.0.0.1", hostnames: ["a", "b.shop"] }]);
  assert.match(
    notes,
    /no alias for c: 8080 is not the port of its old URL \(81\); the workload reaches it at localhost:8080/,
  );
  assert.match(notes, /a, b\.shop: in this pod now 127\.0\.0\.1, on every port/);
});

for (const [route, why] of [
  ["443=https://a:443", "its old URL speaks TLS, and this route listens in clear"],
  ["8001=http://a:8080", "8001 is not the port of its old URL \\(8080\\)"],
  ["10.1.1.1:8080=http://a:8080", "10.1.1.1:8080 is not 127.0.0.1"],
  ["8080=http://a_b:8080", "Kubernetes takes no such name as an alias"],
] as const) {
  test(`no alias, and a note that says why: ${route}`, async () => {
    const { hostAliases, notes } = await aliasesOf(route);
    assert.equal(hostAliases, undefined);
    assert.match(
      notes,
      new RegExp(`no alias for a(_b)?: ${why}; the workload reaches it at localhost:\\d+, or`),
    );
  });
}

test("--alias adds names, and a route that finds its endpoints by SRV records none", async () => {
  const { hostAliases } = await aliasesOf("8080=http://_http._tcp.a:8080?discovery=srv", [
    "--alias=a",
    "--alias=b.c",
  ]);
  assert.deepEqual(hostAliases, [{ ip: "127.0.0.1", hostnames: ["a", "b.c"] }]);
});

test("other flags on what is injected already are an update", async () => {
  const text = deployment({ containers: [web()] });
  const first = (await run(text, CATALOG)).output;
  const second = (await run(first, [...GATE, "--image-tag=2"])).output;
  assert.equal(second, (await run(text, [...GATE, "--image-tag=2"])).output);
});

test("routes given beside a ConfigMap take its routes' place, and a note says so", async () => {
  const text = deployment({ containers: [web()] });
  const notes = async (words: readonly string[]) =>
    (await run(text, ["--config-map=r", ...words])).notes.join("\n");
  assert.match(await notes(GATE), /take the place of all that the ConfigMap r has; the rest of it holds/);
  assert.doesNotMatch(await notes([]), /take the place/);
  assert.match(await notes([]), /the rights that discovery=kubernetes needs are named by outrigger check/);
});

test("the pattern is asked about each set of arguments once, with the ConfigMap's text where the input has it", async () => {
  const one = deployment({ containers: [web()] });
  const config = stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "r" },
    data: { k: "grace: 9s" },
  });
  const questions: Question[] = [];
  await run(`${one}---\n${one}---\n${config}`, [...CATALOG, "--config-map=r/k"], questions);
  assert.deepEqual(
    questions.map(({ args, config }) => ({ args, config })),
    [{ args: ["--route=8080=http://catalog:8080"], config: "grace: 9s" }],
  );
  await assert.rejects(run(`${one}---\n${config}`, ["--config-map=ambassador=r/x"]), {
    message: /:\d+:\d+: data: has no key x, which --config-map names; there are: k/,
  });
});

test("what the pattern says against its arguments is refused, and nothing is written", async () => {
  const text = deployment({ containers: [web()] });
  const refusing = inject([{ file: "web.yaml", text }], parseInject(CATALOG), () =>
    Promise.resolve("no such option"),
  );
  await assert.rejects(refusing, { code: "usage", message: "no such option" });
  const annotated = text.replace(
    "      labels:",
    "      annotations:\n        outrigger.dev/ambassador: 8080=http://a:8080?x=1\n      labels:",
  );
  await assert.rejects(
    inject([{ file: "web.yaml", text: annotated }], parseInject([]), () => Promise.resolve("no such option")),
    {
      code: "bad-manifest",
      message:
        /^web\.yaml:\d+:\d+: spec\.template\.metadata\.annotations\["outrigger\.dev\/ambassador"\]: no such option$/,
    },
  );
});

const service = (ports: object[]): string =>
  stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports },
  });

test("the line of a Service that goes past the gate is named, and the Service is left as it is", async () => {
  const pod = deployment({ containers: [web({ ports: [{ name: "http", containerPort: 3000 }] })] });
  const ports = [
    { port: 80, targetPort: 3000 },
    { port: 81, targetPort: "http" },
    { port: 3000 },
    { port: 9000 },
  ];
  const { output, notes } = await run(`${service(ports)}---\n${pod}`, GATE);
  assert.ok(output.startsWith(service(ports)));
  const said = notes.filter((note) => note.includes("service/web"));
  assert.deepEqual(
    said.map((note) => note.replace(/^deployment\/web: web\.yaml:/, "").replace(/, or nothing.*/, "")),
    [
      "10:19: service/web: targetPort: 3000 must become targetPort: 9000",
      "12:19: service/web: targetPort: http must become targetPort: 9000",
      "13:7: service/web: add targetPort: 9000",
    ],
  );
  assert.match(
    (await run(pod, GATE)).notes.join("\n"),
    /the Service before this pod is not in this input: .* make it 9000/,
  );
  assert.doesNotMatch(
    (await run(`${service([{ port: 9000 }])}---\n${pod}`, GATE)).notes.join("\n"),
    /Service|service/,
  );
});

test("a grace period too short for draining is noted", async () => {
  const pod = (seconds: number): string =>
    deployment({ terminationGracePeriodSeconds: seconds, containers: [web()] });
  const noted = async (seconds: number, words: readonly string[]): Promise<string | undefined> =>
    (await run(pod(seconds), words)).notes.find((note) => note.includes("terminationGracePeriodSeconds"));
  assert.match(
    (await noted(29, GATE)) ?? "",
    /is 29, and an orderly end may take 30 s \(25 s until the gate is drained, then the workload's own end\)/,
  );
  assert.equal(await noted(30, GATE), undefined);
  assert.match((await noted(24, CATALOG)) ?? "", /is 24, and an orderly end may take 25 s/);
  assert.equal(await noted(25, CATALOG), undefined);
});

type Spec = Record<string, Record<string, unknown>[]>;
const specOf = (output: string): Spec =>
  (parse(output) as { spec: { template: { spec: Spec } } }).spec.template.spec;

test("--drain-token goes to the gate and to the preStop; --no-pre-stop adds none; $( reaches the route as it is", async () => {
  const pod = deployment({ containers: [web({ lifecycle: { postStart: { sleep: { seconds: 1 } } } })] });
  const spec = specOf((await run(pod, [...GATE, "--drain-token=t0k"])).output);
  assert.deepEqual(spec["initContainers"]?.[0]?.["args"], [
    "--route=0.0.0.0:9000=http://127.0.0.1:3000?role=ingress",
    "--drain-token=t0k",
  ]);
  assert.match(JSON.stringify(spec["containers"]), /"x-outrigger-drain","value":"t0k"/);
  assert.doesNotMatch((await run(pod, [...GATE, "--no-pre-stop"])).output, /preStop/);
  const odd = specOf((await run(pod, ["--ambassador=8080=http://a:8080?host=$(x)"])).output);
  assert.deepEqual(odd["initContainers"]?.[0]?.["args"], ["--route=8080=http://a:8080?host=$$(x)"]);
});

test("a classic container stands first, and kubectl's default container stays the workload", async () => {
  const { output } = await run(deployment({ containers: [web()] }), [...CATALOG, "--classic"]);
  assert.deepEqual(
    specOf(output)["containers"]?.map(({ name }) => name),
    ["outrigger-ambassador", "web"],
  );
  assert.match(output, /kubectl\.kubernetes\.io\/default-container: web/);
  const flow = deployment({ containers: [web()] }).replace(
    /metadata:\n +labels:\n +app: web/,
    "metadata: {labels: {app: web}}",
  );
  const { notes } = await run(flow, [...CATALOG, "--classic"]);
  assert.match(
    notes.join("\n"),
    /without kubectl\.kubernetes\.io\/default-container: .* is written on one line/,
  );
});

test("a name that somebody has added to our alias entry since stays, and the entry with it", async () => {
  const text = deployment({ containers: [web()] });
  const { output } = await run(text, CATALOG);
  const changed = output.replace(/( +)- catalog\n/, "$&$1- theirs\n");
  assert.notEqual(changed, output);
  assert.deepEqual(specOf(uninject([{ file: "x", text: changed }], []).output), {
    hostAliases: [{ ip: "127.0.0.1", hostnames: ["theirs"] }],
    containers: [web()],
  });
});

test("two gates before one container are one preStop, and a Service without a selector is nobody's", async () => {
  const pod = deployment({ containers: [web()] });
  const bare = stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "x" },
    spec: { ports: [{ port: 3000 }] },
  });
  const { output, notes } = await run(`${pod}---\n${bare}`, [...GATE, "--gate=9001=http://127.0.0.1:3001"]);
  assert.equal(output.split("/drain").length, 2);
  assert.doesNotMatch(notes.join("\n"), /service\/x/);
});

test("a sysctl that opens the port already is not added again", async () => {
  const sysctls = [{ name: "net.ipv4.ip_unprivileged_port_start", value: "80" }];
  const pod = deployment({ securityContext: { sysctls }, containers: [web()] });
  const { output } = await run(pod, ["--ambassador=80=http://catalog:80"]);
  assert.deepEqual(specOf(output)["securityContext"], { sysctls });
});

test("what is added is indented as its surroundings are, also behind a byte order mark", async () => {
  const text = "\uFEFFspec:\n   containers:\n    - name: web\n      image: a\nkind: Pod\napiVersion: v1\n";
  const { output } = await run(text, [...CATALOG]);
  assert.ok(
    output.startsWith("\uFEFFspec:\n   initContainers:\n    - name: outrigger-ambassador\n      image: "),
    output,
  );
  assert.match(
    output,
    /\n {3}hostAliases:\n {4}- ip: 127\.0\.0\.1\n {6}hostnames:\n {7}- catalog\n {3}containers:/,
  );
  assert.match(output, /\n {6}resources:\n {9}requests:\n {12}cpu: 50m\n/);
});

test("several files become one stream", async () => {
  const texts = ["a", "b"].map((file) => ({ file, text: deployment({ containers: [web()] }).trimEnd() }));
  const { output } = await inject(texts, parseInject(CATALOG), () => Promise.resolve(undefined));
  assert.equal(output.split("\n---\n").length, 2);
});

test("--only leaves the others as they are, for uninject, too", async () => {
  const [a, b] = ["a", "b"].map((name) => deployment({ containers: [web()] }, { metadata: { name } })) as [
    string,
    string,
  ];
  const { output } = await run(`${a}---\n${b}`, [...CATALOG, "--only", "deployments/b"]);
  assert.ok(output.startsWith(`${a}---\n`));
  assert.notEqual(output, `${a}---\n${b}`);
  const both = (await run(`${a}---\n${b}`, CATALOG)).output;
  const { only } = parseUninject(["--only=a"]);
  assert.equal(uninject([{ file: "x", text: both }], only).output, output);
});

test("uninject leaves what others have added beside ours", () => {
  const record =
    "spec/+initContainers/+outrigger-ambassador spec/+hostAliases/+127.0.0.1/+hostnames/+catalog spec/containers/web/+lifecycle/+preStop";
  const ours = { name: "outrigger-ambassador", env: [{ name: "OUTRIGGER_INJECTED", value: record }] };
  const injected = deployment({
    containers: [web({ lifecycle: { postStart: {}, preStop: {} } })],
    hostAliases: [{ hostnames: ["catalog", "theirs"], ip: "127.0.0.1" }],
    initContainers: [web({ name: "theirs" }), ours],
  });
  assert.deepEqual(specOf(uninject([{ file: "x", text: injected }], []).output), {
    containers: [web({ lifecycle: { postStart: {} } })],
    hostAliases: [{ hostnames: ["theirs"], ip: "127.0.0.1" }],
    initContainers: [web({ name: "theirs" })],
  });
});

test("rights are of each namespace whose Services are named, for the service account of the pod's", () => {
  const text = deployment(
    { serviceAccountName: "shop", containers: [web()] },
    { metadata: { name: "web", namespace: "s" } },
  );
  const [object] = readDocuments("x", text, []).flatMap((document) => [...objectsOf(document)]);
  const workload = workloadOf(object as NonNullable<typeof object>) as Workload;
  const [ambassador] = INJECTABLES as [(typeof INJECTABLES)[number]];
  const route = readRoute("8080=http://a:http,b.data:http,c.data.svc:80?discovery=kubernetes", false);
  const grants = grantsFor(workload, ambassador, [route]);
  assert.deepEqual(
    grants.map(({ namespace }) => namespace),
    ["s", "data"],
  );
  assert.match(
    grantNote(grants[1] as (typeof grants)[number]),
    / in namespace data for service account shop/,
  );
  const documents = rbacManifest(grants)
    .split("---\n")
    .filter(Boolean)
    .map((each) => parse(each) as { kind: string; metadata: object; subjects?: object });
  assert.deepEqual(documents.flatMap(modelProblems), []);
  const subjects = [{ kind: "ServiceAccount", name: "shop", namespace: "s" }];
  assert.deepEqual(
    documents.map(({ kind, metadata, ...rest }) => [kind, metadata, rest.subjects]),
    [
      ["Role", { name: "outrigger-ambassador-shop", namespace: "s" }, undefined],
      ["RoleBinding", { name: "outrigger-ambassador-shop", namespace: "s" }, subjects],
      ["Role", { name: "outrigger-ambassador-s-shop", namespace: "data" }, undefined],
      ["RoleBinding", { name: "outrigger-ambassador-s-shop", namespace: "data" }, subjects],
    ],
  );
});

test("rights are named with their reason, and their Role and RoleBinding are Kubernetes objects", () => {
  const text = deployment(
    { serviceAccountName: "shop", containers: [web()] },
    { metadata: { name: "web", namespace: "s" } },
  );
  const [object] = readDocuments("x", text, []).flatMap((document) => [...objectsOf(document)]);
  const workload = workloadOf(object as NonNullable<typeof object>) as Workload;
  const [ambassador] = INJECTABLES as [(typeof INJECTABLES)[number]];
  const routes = ["8080=http://a:8080?discovery=kubernetes", "8081=http://b:8081?discovery=kubernetes"].map(
    (route) => readRoute(route, false),
  );
  const grants = grantsFor(workload, ambassador, routes);
  assert.deepEqual(grants.map(grantNote), [
    "outrigger-ambassador needs get, list, watch of endpointslices (discovery.k8s.io) for service account shop, because of discovery=kubernetes: it watches the EndpointSlices of the Services that its routes name; --rbac FILE writes the Role and RoleBinding",
  ]);
  const written = rbacManifest([...grants, ...grants]);
  const documents = written
    .split("---\n")
    .filter(Boolean)
    .map((each) => parse(each) as object);
  assert.deepEqual(documents.flatMap(modelProblems), []);
  assert.deepEqual(documents, [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "outrigger-ambassador-shop", namespace: "s" },
      rules: [
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "outrigger-ambassador-shop", namespace: "s" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "outrigger-ambassador-shop" },
      subjects: [{ kind: "ServiceAccount", name: "shop", namespace: "s" }],
    },
  ]);
  assert.deepEqual(grantsFor(workload, ambassador, [readRoute("8080=http://a:8080", false)]), []);
});
