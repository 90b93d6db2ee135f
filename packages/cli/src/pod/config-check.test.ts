import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Folder, freePort, nodeContainer, Outrigger, podManifest } from "../testing/outrigger.ts";
import { askedWith, askPatterns } from "./config-check.ts";
import type { PodPlan } from "./plan.ts";

const QUIET = ["--probe=0", "--control=off"];
const proxy = (args: readonly string[], more: object = {}): object => ({
  name: "proxy",
  image: "ghcr.io/outrigger/ambassador:0.1.0",
  args: [...QUIET, ...args],
  ...more,
});

async function check(folder: Folder, spec: object, ...objects: object[]): Promise<Outrigger> {
  const documents = [...objects.map((each) => JSON.stringify(each)), podManifest(spec)];
  const run = new Outrigger(["run", "--check", folder.write("pod.yaml", documents.join("\n---\n"))]);
  await run.ended;
  return run;
}
const notChecked = (run: Outrigger): string[] => run.lines.filter((line) => line.startsWith("not checked"));

describe("run --check asks a pattern container whether its arguments hold", { concurrency: 2 }, () => {
  test("and reports all that it refuses, at the container's place, with exit code 2", async () => {
    using folder = new Folder();
    await using run = await check(folder, {
      containers: [nodeContainer("web", ""), proxy(["--route=garbage", "--bogus"])],
    });
    assert.equal(await run.ended, 2);
    assert.match(
      run.stderr,
      /pod\.yaml:1:\d+: spec\.containers\[1\]: outrigger-ambassador: 2 problems in the configuration:\n {2}--bogus: unknown flag.*\n {2}--route, column 8: expected "="/,
    );
    assert.equal(run.stdout, "");
  });

  test("also where it mounts a volume at a place that the run's own folders have in their paths", async () => {
    using folder = new Folder();
    await using run = await check(folder, {
      volumes: [{ name: "scratch", emptyDir: {} }],
      containers: ["/tmp", "/root"].map((mountPath, index) =>
        proxy(["--bogus"], { name: `proxy-${index}`, volumeMounts: [{ name: "scratch", mountPath }] }),
      ),
    });
    assert.equal(await run.ended, 2, run.stdout);
    assert.equal(run.stderr.match(/--bogus: unknown flag/g)?.length, 2);
  });

  test("with its environment", async () => {
    using folder = new Folder();
    const env = [{ name: "OUTRIGGER_ROUTES", value: "rubbish" }];
    const sidecar = proxy([], { env, restartPolicy: "Always" });
    await using run = await check(folder, {
      initContainers: [sidecar],
      containers: [nodeContainer("web", "")],
    });
    assert.equal(await run.ended, 2);
    assert.match(
      run.stderr,
      /spec\.initContainers\[0\]: outrigger-ambassador: .*\n {2}OUTRIGGER_ROUTES, column 8: /,
    );
  });

  test("but not with variables by which a manifest would have code run", async () => {
    using folder = new Folder();
    const value = `--import=data:text/javascript,process.stderr.write("ran");process.exit(2)`;
    const route = `--route=${await freePort()}=http://127.0.0.1:1`;
    await using run = await check(folder, {
      containers: [proxy([route], { env: [{ name: "NODE_OPTIONS", value }] })],
    });
    assert.equal(await run.ended, 0, run.stderr);
    assert.deepEqual(notChecked(run), []);
  });

  test("and says nothing where they do", async () => {
    using folder = new Folder();
    const route = `--route=${await freePort()}=http://127.0.0.1:1`;
    await using run = await check(folder, { containers: [proxy([route])] });
    assert.equal(await run.ended, 0, run.stderr);
    assert.deepEqual(notChecked(run), []);
  });

  test("without showing its answer where a Secret's value is among them, in arguments or environment", async () => {
    using folder = new Folder();
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { k: "hunter2" },
    };
    const valueFrom = { secretKeyRef: { name: "s", key: "k" } };
    await using run = await check(
      folder,
      {
        containers: [
          proxy(["--route=$(HIDDEN)"], { env: [{ name: "HIDDEN", valueFrom }] }),
          proxy([], { name: "other", env: [{ name: "OUTRIGGER_ROUTES", valueFrom }] }),
        ],
      },
      secret,
    );
    assert.equal(await run.ended, 2);
    assert.equal(
      run.stderr.match(/refuses its arguments or environment; what it says is not shown/g)?.length,
      2,
    );
    assert.doesNotMatch(run.stderr, /hunter2/);
  });

  test("but not where they name files of its volumes, or its command is not our package's", async () => {
    using folder = new Folder();
    await using run = await check(folder, {
      volumes: [{ name: "conf", emptyDir: {} }],
      containers: [
        proxy(["--config=/etc/proxy/none.yaml"], {
          volumeMounts: [{ name: "conf", mountPath: "/etc/proxy" }],
        }),
        proxy(["--config", "none.yaml"], {
          name: "there",
          workingDir: "/etc/proxy/sub/..",
          volumeMounts: [{ name: "conf", mountPath: "/etc/proxy" }],
        }),
        proxy(["--check-config"], { name: "asks" }),
        proxy(["--bogus"], { name: "own", command: [process.execPath] }),
      ],
    });
    assert.equal(await run.ended, 0, run.stderr);
    assert.deepEqual(notChecked(run), [
      "not checked: the arguments of shop/proxy: they, or its working directory, name files of its volumes, which are there when it starts",
      "not checked: the arguments of shop/there: they, or its working directory, name files of its volumes, which are there when it starts",
      "not checked: the arguments of shop/asks: they say --check-config themselves",
    ]);
  });
});

test("a pattern that does not answer is waited for no longer than its time, and is no error", async () => {
  const command = { argv: [process.execPath, "-e", "setInterval(() => {}, 1000)"], env: {}, cwd: "/nowhere" };
  const main = [{ name: "proxy", check: { command, secret: false, problem: assert.fail } }];
  const pod = { label: "shop", init: [], main } as unknown as PodPlan;
  assert.deepEqual(await askPatterns([pod], 100), {
    problems: [],
    unchecked: ["shop/proxy: its --check-config gave no answer (SIGKILL)"],
  });
});

test("a program is asked with the pod's own variables, and with none that loads code or writes files", () => {
  const own = {
    NODE_NAME: "n",
    NODE_ENV: "production",
    NODE_ZONE: "eu-1",
    NODE_IP: "10.0.0.1",
    ENV: "prod",
    OUTRIGGER_ROUTES: "r",
    "app.name": "a",
    RUN_AS: "x",
  };
  const loading = {
    NODE_OPTIONS: "--import=x",
    NODE_PATH: "/x",
    NODE_EXTRA_CA_CERTS: "/x",
    NODE_V8_COVERAGE: "/x",
    NODE_COMPILE_CACHE: "/x",
    NODE_REPL_EXTERNAL_MODULE: "/x",
    LD_PRELOAD: "x.so",
    DYLD_INSERT_LIBRARIES: "x",
    OPENSSL_CONF: "x",
    GCONV_PATH: "x",
    BASH_ENV: "x",
    "BASH_FUNC_sed%%": "() { x; }",
    PYTHONSTARTUP: "x",
    PERL5OPT: "x",
    RUBYOPT: "x",
    SSLKEYLOGFILE: "/x",
  };
  assert.deepEqual(askedWith({ ...own, ...loading }), own);
});
