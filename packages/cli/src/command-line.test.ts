import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseCommandLine } from "./command-line.ts";
import { Folder, Outrigger, podManifest } from "./testing/outrigger.ts";

const WRONG: readonly [words: readonly string[], message: string | RegExp][] = [
  [["rum"], 'unknown command "rum", did you mean run? See outrigger --help'],
  [["deploy"], 'unknown command "deploy". See outrigger --help'],
  [["run"], "no manifest: outrigger run FILE..., for example outrigger run pod.yaml"],
  [["run", "a", "--veiw", "log"], "unknown flag --veiw, did you mean --view? See outrigger run --help"],
  [["run", "a", "--view", "tv"], "--view tv: accepted are auto, screen, log"],
  [["run", "a", "--for", "10"], /^--for: "10" is not a duration: write a number with a unit/],
  [["run", "a", "--for"], "--for needs a value: --for DURATION"],
  [["run", "a", "--for=1s", "--for", "2s"], "--for is given twice"],
  [["run", "a", "--for", "0s"], "--for 0s: accepted is a time above zero, for example --for 10s"],
  [
    ["run", "a", "--restart-backoff=0ms"],
    "--restart-backoff 0ms: accepted is a time above zero, for example --restart-backoff 10s",
  ],
  [
    ["run", "a", "--image", "x=/a", "--image", "x=/b"],
    "--image x=... is given twice: one folder stands for one name",
  ],
  [
    ["run", "a", "--volume=v=/a", "--volume=v=/a"],
    "--volume v=... is given twice: one folder stands for one name",
  ],
  [["run", "a", "--check=yes"], "--check takes no value"],
  [["run", "a", "--image", "shop"], "--image shop: accepted is NAME=DIR, for example --image shop=./shop"],
];

for (const [words, message] of WRONG) {
  test(`usage error: outrigger ${words.join(" ")}`, () => {
    assert.throws(() => parseCommandLine(words), { code: "usage", message });
  });
}

test("usage errors go to stderr with exit code 2, a missing file and a missing folder among them", async () => {
  using folder = new Folder();
  const file = folder.write(
    "pod.yaml",
    podManifest({ containers: [{ name: "a", image: "b", command: ["node"] }] }),
  );
  for (const [args, message] of [
    [["run", "--nonsense"], /^unknown flag --nonsense/],
    [["run", `${folder.path}/none.yaml`], /^cannot read .*none\.yaml: there is no such file\n$/],
    [["run", folder.path], /^cannot read .*: it is a folder\n$/],
    [
      ["run", "/dev/zero"],
      /^\/dev\/zero is longer than 16 MiB, which no manifest is: give the file of the pod\n$/,
    ],
    [["run", file, "--image", "b=/no/such/folder"], /^--image b=\/no\/such\/folder: there is no folder/],
    [
      ["run", folder.write("empty.yaml", "# nothing\n")],
      /empty\.yaml: found no pod, accepted: a Pod, Deployment or Job document\n$/,
    ],
  ] as const) {
    await using run = new Outrigger(args);
    assert.equal(await run.ended, 2, run.stderr);
    assert.match(run.stderr, message);
    assert.equal(run.stdout, "");
  }
});

test("a temporary folder that is not there or is none is a sentence with the remedy, exit code 1", async () => {
  using folder = new Folder();
  const file = folder.write(
    "pod.yaml",
    podManifest({ containers: [{ name: "a", image: "b", command: ["node"] }] }),
  );
  for (const [path, why] of [
    [`${folder.path}/none`, "there is no such folder"],
    [file, "it is not a folder"],
  ] as const) {
    await using run = new Outrigger(["run", file], { TMPDIR: path });
    assert.equal(await run.ended, 1);
    assert.equal(
      run.stderr,
      `the temporary folder ${path}: ${why}; a run keeps its volumes there: set TMPDIR to a folder that you can write\n`,
    );
  }
});

test("an image called as a pattern that is none, or not there yet, is refused by what there is", async () => {
  using folder = new Folder();
  for (const [image, message] of [
    [
      "ghcr.io/outrigger/ambasador:1",
      /image: Outrigger has no pattern "ambasador" \(did you mean ambassador\?\)/,
    ],
    [
      "outrigger/adapter",
      /image: the pattern adapter is not there yet \(there are: ambassador, leader-elector, work-queue\), and outrigger-adapter/,
    ],
  ] as const) {
    const file = folder.write("pod.yaml", podManifest({ containers: [{ name: "a", image }] }));
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 2);
    assert.match(run.stderr, message);
    assert.doesNotMatch(run.stderr, /npm install/);
  }
});

test("a key of a ConfigMap or Secret that would leave its volume is refused, and nothing is written", async () => {
  using folder = new Folder();
  for (const key of ["../../../../escaped", "..data", "a/b", ".."]) {
    const manifest = [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { [key]: "x" } },
      JSON.parse(
        podManifest({
          volumes: [{ name: "v", configMap: { name: "c" } }],
          containers: [
            { name: "a", image: "b", command: ["node"], volumeMounts: [{ name: "v", mountPath: "/v" }] },
          ],
        }),
      ) as object,
    ];
    const file = folder.write(
      "pod.yaml",
      manifest.map((document) => JSON.stringify(document)).join("\n---\n"),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 2, run.stderr);
    assert.match(run.stderr, /pod\.yaml:1:\d+: data: found the key ".*", accepted: letters, digits/);
  }
});

test("a ConfigMap's or Secret's value with a NUL byte can be a file, and is refused as a variable", async () => {
  using folder = new Folder();
  const nul = Buffer.from("hunter\0two").toString("base64");
  const file = folder.write(
    "pod.yaml",
    [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, binaryData: { BLOB: nul } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { BLOB: nul } },
      JSON.parse(
        podManifest({
          volumes: [{ name: "v", secret: { secretName: "s" } }],
          containers: [
            {
              name: "a",
              image: "b",
              command: ["node"],
              envFrom: [{ configMapRef: { name: "c" } }],
              env: [{ name: "X", valueFrom: { secretKeyRef: { name: "s", key: "BLOB" } } }],
            },
          ],
        }),
      ) as object,
    ]
      .map((document) => JSON.stringify(document))
      .join("\n---\n"),
  );
  await using run = new Outrigger(["run", file]);
  assert.equal(await run.ended, 2, run.stderr);
  assert.match(
    run.stderr,
    /envFrom\[0\]\.configMapRef\.name: the ConfigMap "c" has a NUL byte in its key "BLOB", which no variable can have: mount it/,
  );
  assert.match(
    run.stderr,
    /env\[0\]\.valueFrom\.secretKeyRef\.key: the Secret "s" has a NUL byte in its key "BLOB"/,
  );
  assert.doesNotMatch(run.stderr, /hunter/);
});

test("a manifest that is not UTF-8 is refused with a sentence", async () => {
  using folder = new Folder();
  const file = folder.write("pod.yaml", "");
  writeFileSync(file, Buffer.from("\ufeffkind: Pod\n", "utf16le"));
  await using run = new Outrigger(["run", file]);
  assert.equal(await run.ended, 2);
  assert.equal(run.stderr, `${file} is not UTF-8 text: save it in that encoding\n`);
});

test("paths of a volume's items that cannot be files beside each other are refused by their path", async () => {
  using folder = new Folder();
  const items = ["./a", "/a", "../a", "a/../b", "", "k", "k/deep", "k", "x".repeat(256)].map((path) => ({
    key: "k",
    path,
  }));
  const documents = [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { k: "x" } },
    JSON.parse(
      podManifest({
        volumes: [{ name: "v", configMap: { name: "c", items } }],
        containers: [{ name: "a", image: "b", command: ["node"] }],
      }),
    ) as object,
  ];
  const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  await using run = new Outrigger(["run", folder.write("pod.yaml", text)]);
  assert.equal(await run.ended, 2, run.stdout);
  const lines = run.stderr.trimEnd().split("\n");
  const at = (index: number): string => `spec.volumes[0].configMap.items[${index}].path: `;
  for (const [line, index] of [0, 1, 2, 3, 4, 8].map(
    (each, place) => [lines[place < 5 ? place : 7], each] as const,
  )) {
    assert.ok(
      line?.includes(`${at(index)}found "${items[index]?.path}", accepted: a relative path of plain names`),
      line,
    );
  }
  assert.ok(lines[5]?.includes(`${at(6)}"k" cannot be a file, and the folder of "k/deep"`), lines[5]);
  assert.ok(lines[6]?.includes(`${at(7)}found "k" a second time in this volume`), lines[6]);
  assert.equal(lines.length, 8);
});

const UNPLANNED: readonly [sentence: string, spec: object, message: RegExp][] = [
  [
    "a workload without a command",
    { containers: [{ name: "a", image: "acme/b:1" }] },
    /:1:\d+: spec\.containers\[0\]: has no command, and the entrypoint of its image acme\/b:1 is not known here/,
  ],
  [
    "a command that this machine does not have",
    { containers: [{ name: "a", image: "b", command: ["no-such-program-here"] }] },
    /spec\.containers\[0\]\.command\[0\]: there is no no-such-program-here on PATH: the images' own programs are not here/,
  ],
  [
    "a mount of a volume that is not there",
    {
      containers: [
        { name: "a", image: "b", command: ["node"], volumeMounts: [{ name: "v", mountPath: "/v" }] },
      ],
    },
    /spec\.containers\[0\]\.volumeMounts\[0\]\.name: there is no volume "v"; there are none/,
  ],
  [
    "a volume that has no folder on a laptop",
    {
      containers: [{ name: "a", image: "b", command: ["node"] }],
      volumes: [{ name: "v", hostPath: { path: "/" } }],
    },
    /spec\.volumes\[0\]\.hostPath: a hostPath volume has no folder on a laptop: give it one with --volume v=DIR/,
  ],
  [
    "a reference to a ConfigMap that is not in the files",
    {
      containers: [{ name: "a", image: "b", command: ["node"], envFrom: [{ configMapRef: { name: "c" } }] }],
    },
    /spec\.containers\[0\]\.envFrom\[0\]\.configMapRef\.name: there is no ConfigMap "c" in the files given; add its document/,
  ],
  [
    "two sources of one variable",
    {
      containers: [
        {
          name: "a",
          image: "b",
          command: ["node"],
          env: [{ name: "X", value: "1", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
    },
    /spec\.containers\[0\]\.env\[0\]\.valueFrom: stands beside value: write one of the two/,
  ],
  [
    "a probe of a port that has no such name",
    {
      containers: [
        { name: "a", image: "b", command: ["node"], livenessProbe: { tcpSocket: { port: "web" } } },
      ],
    },
    /spec\.containers\[0\]\.livenessProbe\.tcpSocket\.port: the container has no port named "web"; none has a name/,
  ],
  [
    "a probe without an action",
    { containers: [{ name: "a", image: "b", command: ["node"], readinessProbe: {} }] },
    /spec\.containers\[0\]\.readinessProbe: found no handler, accepted: one of exec, httpGet, tcpSocket/,
  ],
  [
    "a probe of an init container that is no sidecar",
    {
      initContainers: [
        { name: "i", image: "b", command: ["node"], livenessProbe: { tcpSocket: { port: 1 } } },
      ],
      containers: [{ name: "a", image: "b", command: ["node"] }],
    },
    /spec\.initContainers\[0\]\.livenessProbe: an init container that runs to its end cannot have one/,
  ],
  [
    "two containers of one name",
    {
      containers: [
        { name: "a", image: "b", command: ["node"] },
        { name: "a", image: "b", command: ["node"] },
      ],
    },
    /spec\.containers\[1\]\.name: a second container "a"/,
  ],
  [
    "a field that the downward API does not have",
    {
      containers: [
        {
          name: "a",
          image: "b",
          command: ["node"],
          env: [{ name: "X", valueFrom: { fieldRef: { fieldPath: "spec.x" } } }],
        },
      ],
    },
    /env\[0\]\.valueFrom\.fieldRef\.fieldPath: found "spec\.x", accepted: metadata\.name,/,
  ],
  [
    "a working directory inside an image",
    { containers: [{ name: "a", image: "b", command: ["node"], workingDir: "/srv" }] },
    /spec\.containers\[0\]\.workingDir: \/srv is a folder of the image b, which is not here/,
  ],
];

for (const [sentence, spec, message] of UNPLANNED) {
  test(`refused with exit code 2: ${sentence}`, async () => {
    using folder = new Folder();
    await using run = new Outrigger(["run", folder.write("pod.yaml", podManifest(spec))]);
    assert.equal(await run.ended, 2, run.stdout);
    assert.match(run.stderr, message);
    assert.equal(run.stderr.trimEnd().split("\n").length, 1, run.stderr);
  });
}

test("--help, run --help and --version answer on stdout with exit code 0", async () => {
  for (const [args, expected] of [
    [[], /^outrigger: pod patterns/],
    [["--help"], /Usage: outrigger run FILE/],
    [["run", "--help"], /--restart-backoff DURATION\n[^]*Exit codes: 0/],
    [["--version"], /^\d+\.\d+\.\d+\n$/],
  ] as const) {
    await using run = new Outrigger(args);
    assert.equal(await run.ended, 0);
    assert.match(run.stdout, expected);
  }
});
