import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { namespaceCommand } from "../pod/own-network.ts";
import { Folder, nodeContainer, Outrigger, STEADY } from "../testing/outrigger.ts";

const BIN = fileURLToPath(new URL("../../bin/outrigger.js", import.meta.url));
const CATALOG = ["--ambassador", "8080=http://catalog:8080"];

/** As in a shell: manifest | outrigger inject ... */
function outrigger(
  words: readonly string[],
  input = "",
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], {
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const deployment = (spec: object): string =>
  stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec },
    },
  });
const WEB = deployment({ containers: [{ name: "web", image: "acme/web:1" }] });

test("a manifest in on stdin comes out on stdout, notes on stderr; uninject gives it back", () => {
  const injected = outrigger(["inject", ...CATALOG], WEB);
  assert.equal(injected.status, 0, injected.stderr);
  assert.match(injected.stdout, /name: outrigger-ambassador/);
  assert.match(
    injected.stderr,
    /^deployment\/web: added as a native sidecar: outrigger-ambassador --route=8080=http:\/\/catalog:8080\n/,
  );
  assert.deepEqual(outrigger(["uninject"], injected.stdout), {
    status: 0,
    stdout: WEB,
    stderr: "deployment/web: what inject had added is taken out\n",
  });
  using folder = new Folder();
  const file = folder.write("web.yaml", injected.stdout);
  const twice = outrigger(["inject", ...CATALOG, "-f", file]);
  assert.equal(twice.stdout, injected.stdout);
});

test("a route that the ambassador itself would refuse is refused with its words, exit code 2 and nothing on stdout", () => {
  for (const [route, message] of [
    [
      "8080=http://catalog:8080?retires=2",
      /^outrigger-ambassador: 1 problem in the configuration:\n {2}--route, column 26: .*\(did you mean retries\?\)/,
    ],
    ["8080:http://catalog", /^--ambassador: expected "="/],
  ] as const) {
    const { status, stdout, stderr } = outrigger(["inject", "--ambassador", route], WEB);
    assert.deepEqual([status, stdout], [2, ""], stderr);
    assert.match(stderr, message);
  }
});

test("--rbac writes no file where no rights are needed, and says so", () => {
  using folder = new Folder();
  const file = join(folder.path, "rbac.yaml");
  const { status, stderr } = outrigger(["inject", ...CATALOG, "--rbac", file], WEB);
  assert.equal(status, 0);
  assert.match(stderr, /nothing seen here needs rights: .*rbac\.yaml is not written\n$/);
  assert.equal(existsSync(file), false);
});

for (const [words, message] of [
  [["inject", "--gaet=1"], /^unknown flag --gaet, did you mean --gate\? See outrigger inject --help\n$/],
  [["uninject", "--gate=1"], /^unknown flag --gate\. See outrigger uninject --help\n$/],
  [["inject", "--alias", "localhost"], /^--alias localhost: accepted is a host name/],
  [
    ["inject", "--image-pull-policy=never"],
    /^--image-pull-policy never: accepted are Always, IfNotPresent, Never\n$/,
  ],
  [
    ["inject", "--config-map", "ambasador=a"],
    /^--config-map ambasador=a: there is no pattern ambasador, did you mean ambassador\?\n$/,
  ],
  [["inject", "--config-map", "a b"], /^--config-map a b: accepted is \[PATTERN=\]NAME\[\/KEY\]/],
  [["inject", "--config-map=a", "--config-map=b"], /^--config-map for ambassador is given twice\n$/],
  [["inject", "--drain-token", "a b"], /^--drain-token: accepted are 1 to 128 visible ASCII characters\n$/],
  [["inject", "-f", "/no/such/file"], /^cannot read \/no\/such\/file: there is no such file\n$/],
] as const) {
  test(`usage error: outrigger ${words.join(" ")}`, () => {
    const { status, stdout, stderr } = outrigger(words);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, message);
  });
}

test("the manual names every flag", () => {
  const { stdout } = outrigger(["inject", "--help"]);
  for (const flag of [
    "--ambassador",
    "--gate",
    "--alias",
    "--config-map",
    "--classic",
    "--rbac",
    "-f, --filename",
  ])
    assert.ok(stdout.includes(`\n  ${flag}`), flag);
  assert.match(outrigger(["uninject", "--help"]).stdout, /byte for byte/);
});

test("the README shows what inject does", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, words = ""] = /\| outrigger (inject .*) \| kubectl/.exec(readme) ?? [];
  const [, block = ""] = /<!-- inject:begin[^\n]*\n```diff\n([^]*?)```\n<!-- inject:end/.exec(readme) ?? [];
  const lines = block.split("\n").slice(0, -1);
  const text = (shown: readonly string[]): string => shown.map((line) => `${line.slice(2)}\n`).join("");
  const before = text(lines.filter((line) => line.startsWith("  ")));
  const { status, stdout, stderr } = outrigger(words.replaceAll("'", "").split(" "), before);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, text(lines));
});

const namespaces = namespaceCommand();
const skip = "why" in namespaces ? `no network namespaces here: ${namespaces.why}` : false;
for (const [form, flags] of [
  ["native sidecar", []],
  ["classic container", ["--classic"]],
] as const)
  test(
    `a pod with an injected ${form} runs, and its workload reaches the ambassador at its old URL`,
    { skip },
    async () => {
      using folder = new Folder();
      const catalogue = `require("http").createServer((q, s) => s.end("catalogue says " + q.url)).listen(9001, "127.0.0.1",
      () => console.log("open")); process.on("SIGTERM", () => process.exit(0));`;
      const shop = `const ask = () => require("http").get("http://catalog:8080/items/1", (s) => { let t = ""; s.on("data", (d) => (t += d));
      s.on("end", () => console.log(s.statusCode, t, s.headers["x-outrigger-endpoint"])); }).on("error", (e) => console.log("failed: " + e.code));
      ask(); ${STEADY}`;
      const manifest = deployment({
        containers: [nodeContainer("shop", shop)],
        initContainers: [
          nodeContainer("catalogue", catalogue, {
            restartPolicy: "Always",
            startupProbe: { tcpSocket: { port: 9001 }, periodSeconds: 1, failureThreshold: 30 },
          }),
        ],
      });
      const route = "8080=http://127.0.0.1:9001?explain=true";
      const injected = outrigger(["inject", "--ambassador", route, "--alias", "catalog", ...flags], manifest);
      assert.equal(injected.status, 0, injected.stderr);
      const file = folder.write("pod.yaml", injected.stdout);
      await using check = new Outrigger(["run", file, "--check"]);
      assert.equal(await check.ended, 0, check.stderr);
      await using run = new Outrigger(["run", file, "--network", "namespace"]);
      // The sidecar is there before the workload: its first request is answered.
      await run.line(/shop +\| 200 catalogue says \/items\/1 127\.0\.0\.1:9001$/);
      assert.ok(run.at(/outrigger-ambassador: started/) < run.at(/shop: started/));
      run.process.kill("SIGTERM");
      assert.equal(await run.ended, 0, run.lines.join("\n") + run.stderr);
    },
  );
