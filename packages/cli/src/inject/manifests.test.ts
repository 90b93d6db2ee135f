import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { type Document, parseAllDocuments, stringify } from "yaml";
import { parseInject } from "./command-line.ts";
import { inject, uninject } from "./inject.ts";
import { modelProblems } from "./testing/object-model.ts";

/** Manifests as people, helm, kustomize and kubectl write them. */
const FOLDER = fileURLToPath(new URL("../../src/inject/testing/manifests/", import.meta.url));

type Json = { [key: string]: Json } & Json[];

interface FlagSet {
  readonly words: readonly string[];
  readonly args: readonly string[];
  /** The gate's port; its target is 3000. */
  readonly gate?: number;
  readonly aliases: readonly string[];
  readonly lowPorts?: boolean;
  readonly classic?: boolean;
  readonly configMap?: string;
}

const SETS: Readonly<Record<string, FlagSet>> = {
  ambassador: {
    words: ["--ambassador", "8080=http://catalog:8080?retries=2"],
    args: ["--route=8080=http://catalog:8080?retries=2"],
    aliases: ["catalog"],
  },
  gate: {
    words: [
      "--gate",
      "9000=http://127.0.0.1:3000",
      "--alias=mailer",
      "--ambassador=7000=http://10.0.0.1:7000",
    ],
    args: ["--route=7000=http://10.0.0.1:7000", "--route=0.0.0.0:9000=http://127.0.0.1:3000?role=ingress"],
    gate: 9000,
    aliases: ["mailer"],
  },
  "low ports": {
    words: ["--ambassador=80=http://catalog:80,stock:80", "--ambassador", "81=http://b.shop.svc:81"],
    args: ["--route=80=http://catalog:80,stock:80", "--route=81=http://b.shop.svc:81"],
    aliases: ["catalog", "stock", "b.shop.svc"],
    lowPorts: true,
  },
  classic: {
    words: ["--classic", "--gate=9000=http://localhost:3000", "--config-map=routes/a.yaml"],
    args: ["--config=/etc/outrigger/a.yaml", "--route=0.0.0.0:9000=http://localhost:3000?role=ingress"],
    gate: 9000,
    aliases: [],
    classic: true,
    configMap: "routes",
  },
};

/** What cannot be done by adding lines, or at all, and what is said then. */
const REFUSED: readonly [file: RegExp, set: RegExp, message: RegExp][] = [
  [
    /helm-output|kubectl-get/,
    /low ports/,
    /:\d+:\d+: \S*spec\.template\.spec\.securityContext: is written on one line, .*: delete the \{\} \(Kubernetes reads securityContext: without a value the same\); net\S+=0 is to go there, since a route listens on 80; --no-sysctl leaves it out/,
  ],
  [
    /^deployment.*json|list-as-kubectl/,
    /low ports/,
    /:\d+:\d+: \S*spec\.template\.spec\.securityContext: is written on one line, .*: break the line behind its opening bracket, and before the closing one; net/,
  ],
  [
    /non-ascii|with-crd/,
    /gate|classic/,
    /spec\.template\.spec\.containers\[0\]: is written on one line, .*: write it in block style/,
  ],
  [/^job|cronjob/, /classic/, /restartPolicy: is (Never|OnFailure), .* leave --classic out/],
];

const read = (file: string): string => readFileSync(FOLDER + file, "utf8");

/** Read by the parser's own hand, and not by ours. */
const parse = (text: string): Json[] =>
  (parseAllDocuments(text, { version: "1.1", logLevel: "silent" }) as Document[]).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS({ maxAliasCount: -1 }) as Json;
  });

async function injected(text: string, words: readonly string[]): Promise<string> {
  const { output } = await inject([{ file: "web.yaml", text }], parseInject(words), () =>
    Promise.resolve(undefined),
  );
  return output;
}
const uninjected = (text: string): string => uninject([{ file: "web.yaml", text }], []).output;

/** Whether every line of the one stands in the other, in order: then only lines were added. */
function assertOnlyLinesAdded(before: string, after: string): void {
  const lines = after.split("\n");
  let at = 0;
  for (const line of before.split("\n")) {
    const found = lines.indexOf(line, at);
    assert.ok(found >= 0, `this line is no more: ${JSON.stringify(line)}\n${after}`);
    at = found + 1;
  }
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "apps/v1 Deployment": ["spec", "template"],
  "apps/v1 StatefulSet": ["spec", "template"],
  "apps/v1 DaemonSet": ["spec", "template"],
  "apps/v1 ReplicaSet": ["spec", "template"],
  "batch/v1 Job": ["spec", "template"],
  "batch/v1 CronJob": ["spec", "jobTemplate", "spec", "template"],
  "v1 Pod": [],
};

const templatesOf = (object: Json | null): Json[] => {
  if (object === null) return [];
  if (object["kind"] === ("List" as unknown))
    return (object["items"] as unknown as Json[]).flatMap(templatesOf);
  const path = TEMPLATES[`${String(object["apiVersion"])} ${String(object["kind"])}`];
  let at: Json = object;
  for (const step of path ?? []) at = at[step] as Json;
  return path ? [at] : [];
};

/** The original with what the flags ask for, put there by the plainest means. */
function expected(documents: Json[], set: FlagSet, record: (template: Json) => unknown): Json[] {
  const all = structuredClone(documents);
  for (const template of all.flatMap(templatesOf)) {
    const found = record(template);
    const spec = template["spec"] as unknown as Record<string, Record<string, unknown>[] | null | undefined>;
    const containers = spec["containers"] as Record<string, unknown>[];
    const probe = (path: string): object => ({ httpGet: { path, port: 14010 } });
    const sidecar = {
      name: "outrigger-ambassador",
      image: "ghcr.io/outrigger/ambassador:0.1.0",
      ...(set.classic
        ? {
            lifecycle: {
              postStart: {
                exec: { command: ["/nodejs/bin/node", "/outrigger/dist/main.mjs", "--await-started"] },
              },
            },
          }
        : { restartPolicy: "Always" }),
      args: set.args,
      env: [{ name: "OUTRIGGER_INJECTED", value: found }],
      ports: [
        { name: "probe-14010", containerPort: 14010 },
        ...(set.gate === undefined ? [] : [{ name: `gate-${set.gate}`, containerPort: set.gate }]),
      ],
      startupProbe: { ...probe("/startupz"), periodSeconds: 1, failureThreshold: 60 },
      readinessProbe: probe("/readyz"),
      livenessProbe: probe("/livez"),
      resources: { requests: { cpu: "50m", memory: "80Mi" }, limits: { memory: "128Mi" } },
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(set.configMap === undefined
        ? {}
        : {
            volumeMounts: [
              { name: "outrigger-ambassador-config", mountPath: "/etc/outrigger", readOnly: true },
            ],
          }),
    };
    if (set.gate !== undefined) {
      const behind =
        containers.length === 1
          ? containers[0]
          : containers.find((each) =>
              ((each["ports"] ?? []) as { containerPort: number }[]).some(
                (port) => port.containerPort === 3000,
              ),
            );
      const httpHeaders = [{ name: "x-outrigger-drain", value: "preStop" }];
      const preStop = { httpGet: { path: "/drain", port: 14010, httpHeaders } };
      assert.ok(behind);
      behind["lifecycle"] = { ...(behind["lifecycle"] as object | null), preStop };
    }
    const list = set.classic ? "containers" : "initContainers";
    const first = containers[0]?.["name"];
    spec[list] = [sidecar, ...(spec[list] ?? [])];
    if (set.configMap !== undefined) {
      const volume = { name: "outrigger-ambassador-config", configMap: { name: set.configMap } };
      spec["volumes"] = [volume, ...(spec["volumes"] ?? [])];
    }
    if (set.lowPorts) {
      const context = (spec["securityContext"] ?? {}) as Record<string, object[]>;
      context["sysctls"] = [
        { name: "net.ipv4.ip_unprivileged_port_start", value: "0" },
        ...(context["sysctls"] ?? []),
      ];
      spec["securityContext"] = context as never;
    }
    const entries = spec["hostAliases"] ?? [];
    const here = entries.find((entry) => entry["ip"] === "127.0.0.1");
    const names = set.aliases.filter((name) => !((here?.["hostnames"] ?? []) as string[]).includes(name));
    if (here) here["hostnames"] = [...names, ...(here["hostnames"] as string[])];
    else if (names.length > 0) spec["hostAliases"] = [{ ip: "127.0.0.1", hostnames: names }, ...entries];
    if (set.classic) {
      const metadata = (template["metadata"] ?? {}) as Record<string, Record<string, unknown> | null>;
      const key = "kubectl.kubernetes.io/default-container";
      // Left out, with a note, where metadata is written on one line.
      if (typeof found === "string" && found.includes("default-container")) {
        metadata["annotations"] = { [key]: first, ...metadata["annotations"] };
        template["metadata"] = metadata as never;
      }
    }
  }
  return all;
}

const recordOf = (template: Json): unknown => {
  const spec = template["spec"] as unknown as Record<string, { name: string; env?: { value: string }[] }[]>;
  return [...(spec["initContainers"] ?? []), ...(spec["containers"] ?? [])].find(
    ({ name }) => name === "outrigger-ambassador",
  )?.env?.[0]?.value;
};

async function assertInjects(text: string, set: FlagSet): Promise<string> {
  const output = await injected(text, set.words);
  assertOnlyLinesAdded(text, output);
  if (text.includes("\r\n")) assert.doesNotMatch(output, /[^\r]\n/, "every line ends as the others do");
  const after = parse(output);
  const records = after.flatMap(templatesOf).map(recordOf);
  let at = 0;
  assert.deepEqual(
    after,
    expected(parse(text), set, () => records[at++]),
  );
  assert.deepEqual(after.flatMap(modelProblems), []);
  assert.equal(await injected(output, set.words), output, "twice is once");
  assert.equal(uninjected(output), text, "uninject gives the original back");
  return output;
}

/** What a cluster makes of an object: keys by the alphabet, no nulls nor empty lists, its defaults; as kubectl get prints it. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, inside]) => inside !== null && !(Array.isArray(inside) && inside.length === 0))
    .map(([key, inside]) => [key, normalised(inside)] as const);
  const fields = Object.fromEntries(entries);
  if ("image" in fields) fields["terminationMessagePath"] = "/dev/termination-log";
  if ("containerPort" in fields) fields["protocol"] ??= "TCP";
  if ("port" in fields && "path" in fields) fields["scheme"] = "HTTP";
  if ("configMap" in fields) (fields["configMap"] as Record<string, unknown>)["defaultMode"] = 420;
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A key that had no value at all comes back as {} or [], which Kubernetes reads the same. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inside]) => [key, withoutEmpty(inside)] as const);
  return Object.fromEntries(
    entries.filter(([, inside]) => inside !== null && JSON.stringify(inside).length > 2),
  );
}

const FORMS: Readonly<Record<string, (text: string) => string>> = {
  "as it is": (text) => text,
  "with CRLF": (text) => text.replaceAll("\n", "\r\n"),
  "without a last line break": (text) => text.replace(/\n+$/, ""),
  "with a byte order mark": (text) => `\uFEFF${text}`,
};

for (const file of readdirSync(FOLDER)) {
  describe(file, () => {
    for (const [name, set] of Object.entries(SETS)) {
      const refusal = REFUSED.find(([files, sets]) => files.test(file) && sets.test(name));
      if (refusal) {
        test(`${name}: refused`, async () => {
          await assert.rejects(injected(read(file), set.words), {
            code: "bad-manifest",
            message: refusal[2],
          });
        });
        continue;
      }
      for (const [form, change] of Object.entries(FORMS)) {
        test(`${name}, ${form}: only lines are added, what is expected and no more; twice is once; uninject undoes it`, async () => {
          await assertInjects(change(read(file)), set);
        });
      }
      test(`${name}: uninject takes out of what a cluster gives back exactly what was added`, async () => {
        const text = read(file);
        const before = parse(text).map(normalised);
        const after = parse(await injected(text, set.words)).map(normalised);
        const yaml = after
          .map((each) => stringify(each, { version: "1.1", indentSeq: false, lineWidth: 0 }))
          .join("---\n");
        const back = uninjected(yaml);
        assertOnlyLinesAdded(back, yaml);
        assert.deepEqual(parse(back).map(normalised), before);
        for (const [index, each] of after.entries()) {
          const json = JSON.stringify(each, null, 4);
          if (templatesOf(each as Json).length === 0) continue;
          const bare = uninjected(json);
          assert.deepEqual(withoutEmpty(JSON.parse(bare)), withoutEmpty(before[index]));
          assertOnlyLinesAdded(bare.replaceAll(",\n", "\n"), json.replaceAll(",\n", "\n"));
        }
      });
    }
  });
}

for (const [file, remedied] of [
  ["kubectl-get.yaml", (text: string) => text.replaceAll(/securityContext: \{\}$/gm, "securityContext:")],
  ["deployment.json", (text: string) => text.replaceAll(/("securityContext": \{)\}/g, "$1\n}")],
] as const) {
  test(`${file}: what the refusal of a low port advises makes room for it`, async () => {
    await assertInjects(remedied(read(file)), SETS["low ports"] as FlagSet);
  });
}

/** Pods as JSON, of which every part that inject may touch is there or not. */
const pods = fc.record(
  {
    apiVersion: fc.constant("v1"),
    kind: fc.constant("Pod"),
    metadata: fc.record(
      { name: fc.constant("web"), annotations: fc.constant({ a: "b: c" }) },
      { requiredKeys: ["name"] },
    ),
    spec: fc.record(
      {
        nodeName: fc.constant("node"),
        initContainers: fc.constant([{ name: "init", image: "acme/init:1", args: ["x: y", "- z"] }]),
        containers: fc.constantFrom(
          [{ name: "web", image: "acme/web:1" }],
          [
            { name: "log", image: "acme/log:1" },
            { image: "acme/web:1", name: "web", ports: [{ name: "http", containerPort: 3000 }] },
          ],
          [
            {
              args: ["a", "b"],
              lifecycle: { postStart: { sleep: { seconds: 1 } } },
              name: "web",
              image: "w",
            },
          ],
        ),
        volumes: fc.constant([{ name: "data", emptyDir: {} }]),
        hostAliases: fc.constantFrom(
          [{ ip: "10.0.0.1", hostnames: ["ledger"] }],
          [{ ip: "127.0.0.1", hostnames: ["a", "b"] }],
        ),
        securityContext: fc.constantFrom<object>(
          { fsGroup: 1 },
          { sysctls: [{ name: "net.x", value: "1" }] },
        ),
      },
      { requiredKeys: ["containers"] },
    ),
  },
  { requiredKeys: ["apiVersion", "kind", "metadata", "spec"] },
);

test("any pod, in any indentation, order and quoting, with comments between any lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      pods,
      fc.record({ indent: fc.integer({ min: 2, max: 6 }), indentSeq: fc.boolean() }),
      fc.constantFrom("PLAIN" as const, "QUOTE_DOUBLE" as const, "QUOTE_SINGLE" as const),
      fc.array(fc.tuple(fc.nat(60), fc.constantFrom("# c", "", "      # deep", "\t# tab", "   ")), {
        maxLength: 6,
      }),
      fc.boolean(),
      fc.constantFrom(...Object.keys(SETS)),
      fc.constantFrom(...Object.keys(FORMS)),
      async (pod, layout, keys, extras, reversed, set, form) => {
        const order = reversed
          ? (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? 1 : -1)
          : false;
        const lines = stringify(pod, {
          version: "1.1",
          lineWidth: 0,
          defaultKeyType: keys,
          sortMapEntries: order,
          ...layout,
        }).split("\n");
        for (const [at, line] of extras) lines.splice(Math.min(at, lines.length - 1), 0, line);
        await assertInjects(
          (FORMS[form] as (text: string) => string)(lines.join("\n")),
          SETS[set] as FlagSet,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test("as many manifests as there are kinds of them", () => {
  assert.ok(readdirSync(FOLDER).length >= 30);
});
