import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { namespaceCommand } from "./pod/own-network.ts";
import {
  alive,
  eventually,
  Folder,
  freePort,
  nodeContainer,
  Outrigger,
  pathWith,
  podManifest,
  STEADY,
} from "./testing/outrigger.ts";

const SAY_AND_END = (word: string): string => `console.log(${JSON.stringify(word)})`;

// Most of the time these wait for probe periods: four at once take a quarter of it.
describe("outrigger run", { concurrency: 4 }, () => {
  test("init containers, sidecars and main containers start in order, and stop main first, sidecars reversed", async () => {
    using folder = new Folder();
    const file = folder.write(
      "pod.yaml",
      podManifest({
        initContainers: [
          nodeContainer("first", SAY_AND_END("first done")),
          nodeContainer("car-a", STEADY, { restartPolicy: "Always" }),
          nodeContainer("second", SAY_AND_END("second done")),
          nodeContainer("car-b", STEADY, { restartPolicy: "Always" }),
        ],
        containers: [nodeContainer("web", STEADY), nodeContainer("api", STEADY)],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/^web +\| up/);
    await run.line(/^api +\| up/);
    await run.line(/^car-b +\| up/);
    run.process.kill("SIGINT");
    assert.equal(await run.ended, 0, run.stderr);
    const order = [
      /first: exited with code 0/,
      /car-a: started/,
      /second: exited with code 0/,
      /car-b: started/,
      /web: started/,
      /api: started/,
      /(web|api): stopped/,
      /car-b: stopped/,
      /car-a: stopped/,
    ].map((pattern) => run.at(pattern));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      run.lines.join("\n"),
    );
    assert.ok(run.at(/api: stopped/) < run.at(/^car-b +\| got SIGTERM/));
  });

  test("a pod that never restarts ends with its main containers: exit code 0 when all succeeded, 1 when one failed", async () => {
    using folder = new Folder();
    for (const [script, code] of [
      ["process.exit(0)", 0],
      ["process.exit(7)", 1],
    ] as const) {
      const file = folder.write(
        "pod.yaml",
        podManifest({
          restartPolicy: "Never",
          initContainers: [nodeContainer("car", STEADY, { restartPolicy: "Always" })],
          containers: [nodeContainer("job", script), nodeContainer("other", "")],
        }),
      );
      await using run = new Outrigger(["run", file]);
      assert.equal(await run.ended, code, run.lines.join("\n"));
      assert.ok(run.at(/job: exited with code/) < run.at(/car: stopped/));
      if (code === 1) await run.line(/failed: job exited with code 7/);
    }
  });

  test("a Job's OnFailure restarts a container that failed, and ends when it has succeeded", async () => {
    using folder = new Folder();
    const script = `const fs = require("fs"); const f = "/data/n";
    const p = process.argv[1]; fs.appendFileSync(p, "x"); process.exit(fs.readFileSync(p).length < 3 ? 1 : 0)`;
    const container = nodeContainer("job", script, {
      args: ["/data/count"],
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    });
    const template = {
      spec: {
        restartPolicy: "OnFailure",
        containers: [container],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    };
    const file = folder.write(
      "job.yaml",
      JSON.stringify({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "sum" }, spec: { template } }),
    );
    await using run = new Outrigger(["run", file, "--restart-backoff", "20ms"]);
    await run.ended;
    await run.line(/job: exited with code 1; restarting$/);
    await run.line(/job: exited with code 1; restarting in 0.02 s \(back-off\)/);
    await run.line(/job: exited with code 0, 2 restarts/);
  });

  test("an init container that fails for good ends the pod before its main containers start", async () => {
    using folder = new Folder();
    const file = folder.write(
      "pod.yaml",
      podManifest({
        restartPolicy: "Never",
        initContainers: [nodeContainer("prepare", "process.exit(4)")],
        containers: [nodeContainer("web", STEADY)],
      }),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 1);
    await run.line(/prepare: init container failed: the pod ends/);
    await run.line(/web: never ran/);
  });

  test("a sidecar holds back what comes after it until its startup probe succeeds", async () => {
    using folder = new Folder();
    const port = await freePort();
    const gate = `const http = require("http"); let asked = 0;
    http.createServer((q, s) => { asked++; console.log("asked " + asked); s.writeHead(asked < 3 ? 503 : 200).end(); }).listen(${port}, "127.0.0.1");
    process.on("SIGTERM", () => process.exit(0));`;
    const file = folder.write(
      "pod.yaml",
      podManifest({
        initContainers: [
          nodeContainer("car", gate, {
            restartPolicy: "Always",
            ports: [{ containerPort: port, name: "gate" }],
            startupProbe: {
              httpGet: { port: "gate", path: "/startupz" },
              periodSeconds: 1,
              failureThreshold: 30,
            },
          }),
        ],
        containers: [nodeContainer("web", STEADY)],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/^web +\| up/);
    // The gate's own lines come through a pipe of their own, so only run's are compared for order.
    await run.line(/asked 3/);
    assert.ok(run.at(/car: startup probe succeeded/) < run.at(/web: started/));
  });

  test("a failing liveness probe stops the container, after its preStop, and starts it again", async () => {
    using folder = new Folder();
    const port = await freePort();
    const script = `const http = require("http"); let asked = 0;
    http.createServer((q, s) => s.writeHead(q.url === "/bye" ? (console.log("preStop called"), 200) : 500).end()).listen(${port}, "127.0.0.1");
    process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(0); }); console.log("up");`;
    const file = folder.write(
      "pod.yaml",
      podManifest({
        containers: [
          nodeContainer("web", script, {
            ports: [{ containerPort: port }],
            startupProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 30 },
            livenessProbe: { httpGet: { port }, periodSeconds: 1, failureThreshold: 1 },
            lifecycle: { preStop: { httpGet: { port, path: "/bye" } } },
          }),
        ],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/web: started \(pid \d+, restart 1\)/);
    const order = [
      /liveness probe failed: HTTP status 500/,
      /liveness probe failed 1 times \(HTTP status 500\): stopping it/,
      /preStop called/,
      /got SIGTERM/,
      /restart 1\)/,
    ].map((pattern) => run.at(pattern));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      run.lines.join("\n"),
    );
  });

  test("readiness comes and goes with an exec probe that sees the container's volumes", async () => {
    using folder = new Folder();
    const touch = `const fs = require("fs"); const f = process.argv[1];
    fs.writeFileSync(f, ""); process.on("SIGTERM", () => process.exit(0));
    process.on("SIGUSR2", () => fs.unlinkSync(f)); setInterval(() => {}, 1000);`;
    const check = [process.execPath, "-e", `require("fs").accessSync(process.argv[1])`, "/run/ready"];
    const file = folder.write(
      "pod.yaml",
      podManifest({
        containers: [
          nodeContainer("web", touch, {
            args: ["/run/ready"],
            volumeMounts: [{ name: "run", mountPath: "/run" }],
            readinessProbe: {
              exec: { command: check },
              periodSeconds: 1,
              timeoutSeconds: 20,
              failureThreshold: 1,
            },
          }),
        ],
        volumes: [{ name: "run" }],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/web: ready/);
    const pid = Number(/pid (\d+)/.exec(await run.line(/web: started/))?.[1]);
    process.kill(pid, "SIGUSR2");
    await run.line(/web: not ready: readiness probe failed \(exit code 1/);
  });

  test("a main container waits for the postStart hook of the one before it", async () => {
    using folder = new Folder();
    const port = await freePort();
    const script = `const http = require("http");
    http.createServer((q, s) => setTimeout(() => { console.log("hook answered"); s.end(); }, 200)).listen(${port}, "127.0.0.1", () => require("fs").writeFileSync(process.argv[1], ""));
    process.on("SIGTERM", () => process.exit(0));`;
    const wait = `const fs = require("fs"); const t = setInterval(() => { if (fs.existsSync(process.argv[1])) {
    clearInterval(t); require("http").get("http://127.0.0.1:${port}/", () => process.exit(0)); } }, 20)`;
    const mounts = [{ name: "run", mountPath: "/run" }];
    const file = folder.write(
      "pod.yaml",
      podManifest({
        containers: [
          nodeContainer("proxy", script, {
            args: ["/run/up"],
            volumeMounts: mounts,
            lifecycle: { postStart: { exec: { command: [process.execPath, "-e", wait, "/run/up"] } } },
          }),
          nodeContainer("web", STEADY),
        ],
        volumes: [{ name: "run", emptyDir: {} }],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/^web +\| up/);
    assert.ok(run.at(/hook answered/) < run.at(/web: started/));
  });

  test("a container that ignores its stop signal is killed when the grace is over, and --for then fails", async () => {
    using folder = new Folder();
    const stubborn = `process.on("SIGTERM", () => console.log("no")); setInterval(() => {}, 1000); console.log("up");`;
    const file = folder.write(
      "pod.yaml",
      podManifest({ terminationGracePeriodSeconds: 0, containers: [nodeContainer("web", stubborn)] }),
    );
    await using run = new Outrigger(["run", file, "--for", "3s"]);
    assert.equal(await run.ended, 1);
    await run.line(/web: did not stop within its grace: killed/);
    await run.line(/failed: web did not stop within its grace and was killed/);
  });

  test("--for ends 0 when every container stopped well, and 1 when the workload says at SIGTERM that it failed", async () => {
    using folder = new Folder();
    for (const code of [0, 1]) {
      const script = `process.on("SIGTERM", () => process.exit(${code})); setInterval(() => {}, 1000); console.log("up")`;
      const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", script)] }));
      await using run = new Outrigger(["run", file, "--for", "3s"]);
      assert.equal(await run.ended, code);
      await run.line(/3s have passed: stopping in order/);
      await run.line(new RegExp(`web: exited with code ${code}$`));
    }
  });

  test("one Ctrl-C exits 0 once the pod has drained, whatever its workload says", async () => {
    using folder = new Folder();
    const script = `process.on("SIGTERM", () => process.exit(1)); setInterval(() => {}, 1000); console.log("up")`;
    const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", script)] }));
    await using run = new Outrigger(["run", file]);
    await run.line(/\| up/);
    run.process.kill("SIGINT");
    assert.equal(await run.ended, 0);
    await run.line(/failed: web exited with code 1/);
  });

  test("a second Ctrl-C ends every process at once with exit code 130", async () => {
    using folder = new Folder();
    const stubborn = `process.on("SIGTERM", () => console.log("no")); setInterval(() => {}, 1000); console.log("up");`;
    const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", stubborn)] }));
    await using run = new Outrigger(["run", file]);
    await run.line(/\| up/);
    const pid = Number(/pid (\d+)/.exec(await run.line(/web: started/))?.[1]);
    run.process.kill("SIGINT");
    await run.line(/\| no/);
    await eventually("a second one is heard", () => {
      run.process.kill("SIGINT");
      return run.process.exitCode !== null;
    });
    assert.equal(await run.ended, 130);
    await eventually("the workload has gone", () => !alive(pid));
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`no process of the pod outlives the run when it is ended by ${signal}, grandchildren included`, async () => {
      using folder = new Folder();
      const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      console.log("grandchild " + c.pid); setInterval(() => {}, 1000);`;
      const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", script)] }));
      const run = new Outrigger(["run", file]);
      const grandchild = Number(/grandchild (\d+)/.exec(await run.line(/grandchild/))?.[1]);
      const child = Number(/pid (\d+)/.exec(await run.line(/web: started/))?.[1]);
      assert.ok(alive(child) && alive(grandchild));
      run.process.kill(signal);
      await run.ended;
      await eventually("child and grandchild have gone", () => !alive(child) && !alive(grandchild));
    });
  }

  test("env, envFrom, valueFrom, $(VAR) and mount paths reach the process as they would in a cluster", async () => {
    using folder = new Folder();
    const documents = [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings" },
        data: { COLOUR: "blue", "app.conf": "x=1" },
      },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "keys" },
        data: { token: Buffer.from("s3cret").toString("base64") },
      },
      JSON.parse(
        podManifest(
          {
            restartPolicy: "Never",
            containers: [
              nodeContainer(
                "web",
                `const fs = require("fs"); const e = process.env;
               console.log(JSON.stringify({ args: process.argv.slice(1).map((f) => f[0] === "$" ? f : fs.readFileSync(f.split("=").pop(), "utf8")),
                 all: e.ALL, colour: e.S_COLOUR, token: e.TOKEN, name: e.NAME, app: e.APP, ip: e.IP, label: e.LABEL, cpu: e.CPU, inherited: e.SECRET_OF_THE_CALLER,
                 file: fs.readFileSync(e.FILE, "utf8"), mode: fs.statSync(require("path").dirname(e.KEY)).mode & 0o777, path: e.SEARCH }))`,
                {
                  args: ["/etc/app/app.conf", "config=/etc/app/app.conf", "$(NOT_THERE)", "$$(NAME)"],
                  envFrom: [{ prefix: "S_", configMapRef: { name: "settings" } }],
                  env: [
                    { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                    { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
                    { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
                    { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } },
                    {
                      name: "CPU",
                      valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } },
                    },
                    { name: "ALL", value: "$(NAME)-$(S_COLOUR)-$(NOT_THERE)-$$(NAME)" },
                    { name: "FILE", value: "/etc/app/app.conf" },
                    { name: "KEY", value: "/etc/keys/token" },
                    { name: "SEARCH", value: "/etc/apple" },
                  ],
                  resources: { limits: { cpu: "1500m" } },
                  volumeMounts: [
                    { name: "conf", mountPath: "/etc/app" },
                    { name: "keys", mountPath: "/etc/keys/" },
                  ],
                },
              ),
            ],
            volumes: [
              { name: "conf", configMap: { name: "settings" } },
              { name: "keys", secret: { secretName: "keys" } },
            ],
          },
          { labels: { app: "front" } },
        ),
      ),
    ];
    const file = folder.write("pod.yaml", documents.map((each) => JSON.stringify(each)).join("\n---\n"));
    await using run = new Outrigger(["run", file, "--log", "json"], {
      SECRET_OF_THE_CALLER: "not passed on",
    });
    assert.equal(await run.ended, 0, run.lines.join("\n") + run.stderr);
    const said = JSON.parse((await run.line(/^web +\| \{/)).replace(/^[^|]*\| /, "")) as Record<
      string,
      unknown
    >;
    assert.deepEqual(said, {
      args: ["x=1", "x=1", "$(NOT_THERE)", "$(NAME)"],
      all: "shop-blue-$(NOT_THERE)-$(NAME)",
      colour: "blue",
      token: "s3cret",
      name: "shop",
      ip: "127.0.0.1",
      label: "front",
      cpu: "1500",
      file: "x=1",
      mode: 0o700,
      path: "/etc/apple",
    });
  });

  test("a changed ConfigMap in the manifest file is swapped into the running pod's volume", async () => {
    using folder = new Folder();
    const manifest = (text: string): string =>
      `${JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "conf" }, data: { greeting: text } })}\n---\n${podManifest(
        {
          containers: [
            nodeContainer(
              "web",
              `const fs = require("fs"); let last = ""; process.on("SIGTERM", () => process.exit(0));
           setInterval(() => { const now = fs.readFileSync(process.argv[1], "utf8") + " via " + fs.readlinkSync(process.argv[1]);
             if (now !== last) console.log(last = now); }, 20)`,
              { args: ["/conf/greeting"], volumeMounts: [{ name: "conf", mountPath: "/conf" }] },
            ),
          ],
          volumes: [{ name: "conf", configMap: { name: "conf" } }],
        },
      )}`;
    const file = folder.write("pod.yaml", manifest("hello"));
    await using run = new Outrigger(["run", file]);
    await run.line(/\| hello via \.\.data\/greeting/);
    folder.write("pod.yaml", "kind: [");
    await run.line(/the changed manifest is not used: .*pod\.yaml:1:\d+: not YAML/);
    folder.write("pod.yaml", manifest("good evening"));
    await run.line(/\| good evening via \.\.data\/greeting/);
    assert.equal(run.lines.filter((line) => /run it again/.test(line)).length, 0, run.lines.join("\n"));
  });

  test("a pattern image starts the pattern's bin with the spec's args, and its metrics make the status and the summary", async () => {
    using folder = new Folder();
    const probe = await freePort();
    const control = await freePort();
    folder.write(
      "outrigger-adapter",
      `#!${process.execPath}
    const metrics = ['outrigger_http_requests_total{listener="a",code_class="2xx"} 40',
      'outrigger_http_retries_total{listener="a",reason="5xx"} 3',
      'outrigger_http_request_duration_seconds_bucket{listener="a",le="0.01"} 40',
      'outrigger_http_request_duration_seconds_bucket{listener="a",le="+Inf"} 40',
      'outrigger_upstream_endpoint_requests_total{upstream="u",endpoint="10.0.0.1:80",outcome="success"} 40',
      'outrigger_upstream_endpoint_requests_total{upstream="u",endpoint="10.0.0.1:80",outcome="reset"} 2',
      'outrigger_upstream_endpoint_state{upstream="u",endpoint="10.0.0.1:80"} 1', ''].join("\\n");
    require("http").createServer((q, s) => s.end(q.url === "/metrics" ? metrics : "ok")).listen(${probe}, "127.0.0.1", () =>
      console.log(JSON.stringify({ level: 40, time: 0, pid: 1, hostname: "h", msg: "ready now", args: process.argv.slice(2) })));
    process.on("SIGTERM", () => process.exit(0));`,
      0o755,
    );
    const file = folder.write(
      "pod.yaml",
      podManifest({
        initContainers: [
          {
            name: "adapter",
            image: "registry.example:5000/outrigger/adapter:1.2.3@sha256:abc",
            restartPolicy: "Always",
            args: [`--probe=${probe}`, "--control", String(control), "--word=two words"],
            startupProbe: {
              httpGet: { port: probe, path: "/startupz" },
              periodSeconds: 1,
              failureThreshold: 30,
            },
          },
        ],
        containers: [nodeContainer("web", STEADY)],
      }),
    );
    await using run = new Outrigger(["run", file], { PATH: pathWith(folder.path) });
    const ready = await run.line(/ready now/);
    assert.match(
      ready,
      /^adapter +\| \d\d:\d\d:\d\d\.000 WARN {2}ready now args=\["--probe=\d+","--control","\d+","--word=two words"\]$/,
    );
    await run.line(/40 requests · .* · 3 retries · endpoints 0\/1 \(10\.0\.0\.1:80 ejected\)/);
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0);
    await run.line(/40 requests \(2xx 40\), 3 retries, p50 5\.0 ms/);
    await run.line(/endpoint 10\.0\.0\.1:80: 42 attempts, 2 failed/);
  });

  test("a port that another process holds is refused with the remedy, and nothing is started", async () => {
    using folder = new Folder();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const file = folder.write(
      "pod.yaml",
      podManifest({ containers: [nodeContainer("web", STEADY, { ports: [{ containerPort: port }] })] }),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 1);
    assert.equal(
      run.stderr,
      `port ${port} of shop/web (spec.containers[0].ports[0].containerPort) is taken by another process of this machine: stop it, or give the container another port\n`,
    );
    assert.deepEqual(run.lines, []);
    server.close();
  });

  test("two pods that claim one port are refused by name, the patterns' default ports included", async () => {
    using folder = new Folder();
    folder.write("outrigger-adapter", "#!/bin/false\n", 0o755);
    const pod = (name: string): string =>
      podManifest({ containers: [{ name: "a", image: "outrigger-adapter" }] }, { name });
    const file = folder.write("pods.yaml", `${pod("one")}\n---\n${pod("two")}`);
    await using run = new Outrigger(["run", file, "--network", "host"], { PATH: pathWith(folder.path) });
    assert.equal(await run.ended, 2);
    assert.match(
      run.stderr,
      /^port 14020 is claimed twice: by one\/a \(the adapter's probe server, --probe PORT moves it\) and by two\/a .*give one of them other ports, run them one at a time/,
    );
    assert.match(run.stderr, /\nport 14021 is claimed twice: by one\/a \(the adapter's control server/);
  });

  test("an image given by --image runs in its folder, by its package.json where the manifest has no command", async () => {
    using folder = new Folder();
    folder.write("server.js", `console.log("cwd " + process.cwd() + " " + process.argv.slice(2))`);
    const file = folder.write(
      "pod.yaml",
      podManifest({
        restartPolicy: "Never",
        containers: [{ name: "web", image: "acme/web:3", args: ["--x"] }],
      }),
    );
    for (const [manifest, expected] of [
      [{ main: "server.js" }, 0],
      [{ scripts: { start: "node server.js" } }, 0],
      [{ scripts: { start: "node a && node b" } }, 2],
      [{}, 2],
    ] as const) {
      folder.write("package.json", JSON.stringify(manifest));
      await using run = new Outrigger(["run", file, "--image", `acme/web=${folder.path}`]);
      assert.equal(await run.ended, expected, run.stderr);
      if (expected === 0) await run.line(new RegExp(`cwd .*${folder.path} --x`));
      else
        assert.match(
          run.stderr,
          /spec\.containers\[0\]: has no command, and .*: write the command in the manifest/,
        );
    }
  });

  test("--check starts nothing and prints what would start", async () => {
    using folder = new Folder();
    const file = folder.write(
      "pod.yaml",
      podManifest({ containers: [nodeContainer("web", "1")], tolerations: [] }),
    );
    await using run = new Outrigger(["run", "--check", file]);
    assert.equal(await run.ended, 0);
    assert.deepEqual(run.lines, [
      "Pod shop:",
      `  main    web: ${process.execPath} -e 1`,
      "not used on a laptop: spec.tolerations (FIELDS.md says why)",
    ]);
  });

  test("the live screen shows containers and log, and gives the terminal back", async () => {
    using folder = new Folder();
    const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", STEADY)] }));
    await using run = new Outrigger(["run", file, "--view", "screen", "--for", "3s"], { NO_COLOR: "1" });
    assert.equal(await run.ended, 0);
    assert.ok(run.stdout.startsWith("\x1b[?1049h"), "enters the alternate screen");
    assert.match(run.stdout, /web {8}main .*ready \ds/);
    const end = run.stdout.lastIndexOf("\x1b[?1049l");
    assert.ok(end > 0, "leaves it");
    assert.match(run.stdout.slice(end), /web: exited with code 0/);
  });

  test("--pod starts one pod of several, and names them where there is no such pod", async () => {
    using folder = new Folder();
    const pod = (name: string): string =>
      podManifest(
        { restartPolicy: "Never", containers: [nodeContainer("web", `console.log("I am ${name}")`)] },
        { name },
      );
    const file = folder.write("pods.yaml", `${pod("one")}\n---\n${pod("two")}`);
    await using run = new Outrigger(["run", file, "--pod", "two"]);
    assert.equal(await run.ended, 0);
    await run.line(/I am two/);
    assert.equal(run.stdout.includes("I am one"), false);
    await using wrong = new Outrigger(["run", file, "--pod", "three"]);
    assert.equal(await wrong.ended, 2);
    assert.equal(wrong.stderr, "--pod three: there is no such pod; there are: one, two\n");
  });

  test("two pods of one name, in two namespaces or of two kinds, have folders, ports and prefixes of their own", async () => {
    using folder = new Folder();
    const [first, second] = [await freePort(), await freePort()];
    const script = `const fs = require("fs"); const [file, word] = process.argv.slice(1); const saw = fs.existsSync(file);
    fs.appendFileSync(file, word); console.log(saw + " " + file + " " + fs.readFileSync(file, "utf8"));`;
    const spec = (word: string, port: number): object => ({
      restartPolicy: "Never",
      containers: [
        nodeContainer("web", script, {
          args: ["/data/f", word],
          ports: [{ containerPort: port }],
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        }),
      ],
      volumes: [{ name: "data", emptyDir: {} }],
    });
    const documents = [
      podManifest(spec("a", first), { namespace: "one" }),
      podManifest(spec("b", second), { namespace: "two" }),
      JSON.stringify({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "shop", namespace: "two" },
        spec: { template: { spec: spec("c", first) } },
      }),
    ];
    const file = folder.write("pods.yaml", documents.slice(0, 2).join("\n---\n"));
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 0, run.lines.join("\n") + run.stderr);
    await run.line(/^one\/Pod\/shop\/web +\| false \S+one_Pod_shop\S+ a$/);
    await run.line(/^two\/Pod\/shop\/web +\| false \S+two_Pod_shop\S+ b$/);
    folder.write("pods.yaml", documents.join("\n---\n"));
    await using clash = new Outrigger(["run", file, "--network", "host"]);
    assert.equal(await clash.ended, 2);
    assert.match(
      clash.stderr,
      new RegExp(
        `^port ${first} is claimed twice: by one/Pod/shop/web .* and by two/Job/shop/web .*the pods share`,
      ),
    );
    await using either = new Outrigger(["run", file, "--pod", "shop"]);
    assert.equal(await either.ended, 2);
    assert.equal(
      either.stderr,
      "--pod shop: 3 pods have this name; say which: one/Pod/shop, two/Pod/shop, two/Job/shop\n",
    );
    await using job = new Outrigger(["run", file, "--pod", "two/Job/shop"]);
    assert.equal(await job.ended, 0, job.stderr);
    await job.line(/false \S+two_Job_shop\S+ c$/);
  });

  test("a subPath of an emptyDir is made before its container starts; what an init container put there is left", async () => {
    using folder = new Folder();
    const mount = (mountPath: string, subPath: string): object => ({ name: "data", mountPath, subPath });
    const file = folder.write(
      "pod.yaml",
      podManifest({
        restartPolicy: "Never",
        initContainers: [
          nodeContainer("prepare", `require("fs").writeFileSync(process.argv[1], "settings")`, {
            args: ["/all/conf"],
            volumeMounts: [{ name: "data", mountPath: "/all" }],
          }),
        ],
        containers: [
          nodeContainer(
            "web",
            `const fs = require("fs"); const [deep, conf] = process.argv.slice(1);
             fs.writeFileSync(deep, "x"); console.log("wrote " + deep + ", read " + fs.readFileSync(conf, "utf8"))`,
            {
              args: ["/srv/file", "/etc/conf"],
              volumeMounts: [mount("/srv", "a/b"), mount("/etc/conf", "conf")],
            },
          ),
          nodeContainer("wrong", "", { volumeMounts: [mount("/x", "conf/below")] }),
        ],
        volumes: [{ name: "data", emptyDir: {} }],
      }),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 1);
    await run.line(/\| wrote \S+\/data\/a\/b\/file, read settings$/);
    await run.line(
      /wrong: cannot start: the subPath mounted at \/x cannot be made: a file stands where it needs a folder$/,
    );
  });

  test("a subPath that its ConfigMap does not have is refused, and a link out of a --volume is not followed", async () => {
    using folder = new Folder();
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1", b: "2" } };
    const spec = (volume: object, subPath: string): string =>
      podManifest({
        restartPolicy: "Never",
        containers: [nodeContainer("web", "", { volumeMounts: [{ name: "v", mountPath: "/v", subPath }] })],
        volumes: [{ name: "v", ...volume }],
      });
    const file = folder.write(
      "pod.yaml",
      `${JSON.stringify(map)}\n---\n${spec({ configMap: { name: "c" } }, "x")}`,
    );
    await using missing = new Outrigger(["run", file]);
    assert.equal(await missing.ended, 2);
    assert.match(missing.stderr, /volumeMounts\[0\]\.subPath: the volume "v" has no "x"; it has: a, b\n$/);
    using own = new Folder();
    symlinkSync(folder.path, join(own.path, "out"));
    folder.write("pod.yaml", spec({ hostPath: { path: "/v" } }, "out"));
    await using link = new Outrigger(["run", file, "--volume", `v=${own.path}`]);
    assert.equal(await link.ended, 1);
    await link.line(/web: cannot start: the subPath mounted at \/v leaves its volume by a symbolic link to /);
  });

  test("--check prints no value that comes from a Secret", async () => {
    using folder = new Folder();
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { token: "hunter2", REST: "hunter3" },
    };
    const pod = podManifest({
      containers: [
        nodeContainer("web", "", {
          args: ["--token=$(TOKEN)", "$(URL)", "$(REST)", "$(PLAIN)"],
          envFrom: [{ secretRef: { name: "s" } }],
          env: [
            { name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } },
            { name: "URL", value: "http://me:$(TOKEN)@db" },
            { name: "PLAIN", value: "plain" },
          ],
        }),
        {
          name: "odd",
          image: "x",
          command: ["/$(TOKEN)"],
          env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } }],
        },
      ],
    });
    const file = folder.write("pod.yaml", `${JSON.stringify(secret)}\n---\n${pod}`);
    await using wrong = new Outrigger(["run", "--check", file]);
    assert.equal(await wrong.ended, 2);
    assert.match(wrong.stderr, /there is no \/\[redacted\] on this machine/);
    assert.doesNotMatch(wrong.stderr, /hunter/);
    folder.write("pod.yaml", `${JSON.stringify(secret)}\n---\n${pod.replace("/$(TOKEN)", "node")}`);
    await using run = new Outrigger(["run", "--check", file]);
    assert.equal(await run.ended, 0, run.stderr);
    await run.line(/web: .* "--token=\[redacted\]" "http:\/\/me:\[redacted\]@db" "\[redacted\]" plain$/);
    assert.doesNotMatch(run.stdout, /hunter/);
  });

  test("an --image or --volume that names nothing of the manifests is refused with what there is", async () => {
    using folder = new Folder();
    const pod = (name: string): string =>
      podManifest(
        { containers: [nodeContainer("web", "")], volumes: [{ name: `data-${name}`, emptyDir: {} }] },
        { name },
      );
    const file = folder.write("pods.yaml", `${pod("one")}\n---\n${pod("two")}`);
    const flags = (image: string, volume: string): string[] => [
      "--image",
      `${image}=${folder.path}`,
      "--volume",
      `${volume}=${folder.path}`,
    ];
    await using wrong = new Outrigger(["run", "--check", file, ...flags("nodes", "dta-one")]);
    assert.equal(await wrong.ended, 2);
    assert.equal(
      wrong.stderr,
      `--image nodes=${folder.path}: no container has such an image; there are: node:24\n--volume dta-one=${folder.path}: no pod has such a volume; there are: data-one, data-two\n`,
    );
    // A pod that this run leaves out still has its volumes.
    await using right = new Outrigger(["run", "--check", file, "--pod", "two", ...flags("node", "data-one")]);
    assert.equal(await right.ended, 0, right.stderr);
  });

  test("what a probe and a container say reaches the terminal without what moves its cursor, in every log", async () => {
    using folder = new Folder();
    const evil = "a\\x1b[2J\\x9b2Jb\\x1b]0;title\\x07c\\x85\\x00\\rd";
    const probe = [process.execPath, "-e", `console.error("${evil}"); process.exit(1)`];
    const script = `console.log("said ${evil}"); console.log(JSON.stringify({ level: 30, msg: "one\\nother | ${evil}" })); ${STEADY}`;
    const file = folder.write(
      "pod.yaml",
      podManifest({
        containers: [
          nodeContainer("web", script, {
            readinessProbe: {
              exec: { command: probe },
              periodSeconds: 1,
              timeoutSeconds: 20,
              failureThreshold: 1,
            },
          }),
        ],
      }),
    );
    for (const log of ["pretty", "json"]) {
      await using run = new Outrigger(["run", file, "--log", log]);
      await run.line(/not ready: readiness probe failed \(exit code 1: abcd\)$/);
      await run.line(/^web +\| said abcd$/);
      if (log === "pretty") await run.line(/^web +\| other \| abcd$/);
      run.process.kill("SIGINT");
      await run.ended;
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(run.stdout, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    }
  });

  test("a container that never restarts is ended by its liveness probe for good, and has failed", async () => {
    using folder = new Folder();
    const port = await freePort();
    const script = `process.on("SIGTERM", () => process.exit(3)); setInterval(() => {}, 1000);`;
    const file = folder.write(
      "pod.yaml",
      podManifest({
        restartPolicy: "Never",
        containers: [
          nodeContainer("web", script, {
            livenessProbe: {
              tcpSocket: { port },
              initialDelaySeconds: 1,
              periodSeconds: 1,
              failureThreshold: 1,
            },
          }),
        ],
      }),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 1);
    await run.line(/liveness probe failed 1 times \(ECONNREFUSED\): stopping it/);
    await run.line(/failed: web exited with code 3/);
    assert.equal(run.lines.filter((line) => /web: started/.test(line)).length, 1);
  });

  test("a sidecar has two seconds between its stop signal and SIGKILL, however little of the grace is left", async () => {
    using folder = new Folder();
    const slow = `process.on("SIGTERM", () => setTimeout(() => { console.log("flushed"); process.exit(0); }, 600));
      setInterval(() => {}, 1000); console.log("up")`;
    const file = folder.write(
      "pod.yaml",
      podManifest({
        terminationGracePeriodSeconds: 0,
        initContainers: [nodeContainer("car", slow, { restartPolicy: "Always" })],
        containers: [nodeContainer("web", STEADY)],
      }),
    );
    await using run = new Outrigger(["run", file]);
    await run.line(/^car +\| up/);
    await run.line(/^web +\| up/);
    run.process.kill("SIGTERM");
    await run.ended;
    await run.line(/^car +\| flushed/);
    await run.line(/car: exited with code 0$/);
  });

  test("a container that something else kills while it stops in order has failed", async () => {
    using folder = new Folder();
    const script = `process.on("SIGTERM", () => process.kill(process.pid, "SIGKILL")); setInterval(() => {}, 1000);`;
    const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", script)] }));
    await using run = new Outrigger(["run", file, "--for", "2s"]);
    assert.equal(await run.ended, 1);
    await run.line(/failed: web ended by SIGKILL/);
  });

  test("the run's folder is for its user alone, and goes with the run", async () => {
    using folder = new Folder();
    const file = folder.write("pod.yaml", podManifest({ containers: [nodeContainer("web", STEADY)] }));
    await using run = new Outrigger(["run", file], { TMPDIR: folder.path });
    await run.line(/\| up/);
    const [name, ...others] = readdirSync(folder.path).filter((entry) => entry.startsWith("outrigger-"));
    assert.deepEqual(others, []);
    assert.equal(statSync(join(folder.path, name as string)).mode & 0o777, 0o700);
    run.process.kill("SIGINT");
    await run.ended;
    assert.equal(existsSync(join(folder.path, name as string)), false);
  });

  test("two containers of one pod that claim one port are refused, on any network", async () => {
    using folder = new Folder();
    const port = await freePort();
    const containers = ["web", "api"].map((name) =>
      nodeContainer(name, STEADY, { ports: [{ containerPort: port }] }),
    );
    const file = folder.write("pod.yaml", podManifest({ containers }));
    for (const network of ["host", "auto", "namespace"]) {
      await using run = new Outrigger(["run", file, "--network", network]);
      assert.equal(await run.ended, 2);
      assert.equal(
        run.stderr,
        `port ${port} is claimed twice: by shop/web (spec.containers[0].ports[0].containerPort) and by shop/api (spec.containers[1].ports[0].containerPort); containers of one pod share its localhost: give one of them another port\n`,
      );
    }
  });

  test("hostAliases and Service names are listed as not honoured on the laptop's network", async () => {
    using folder = new Folder();
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "front" },
      spec: { selector: { app: "x" }, ports: [{ port: 80 }] },
    };
    const pod = podManifest(
      {
        containers: [nodeContainer("web", "1")],
        hostAliases: [{ ip: "127.0.0.1", hostnames: ["redis-master"] }],
      },
      { labels: { app: "x" } },
    );
    const file = folder.write("pod.yaml", `${JSON.stringify(service)}\n---\n${pod}`);
    await using run = new Outrigger(["run", "--check", file]);
    await run.ended;
    await run.line(/^not honoured: hostAliases redis-master do not resolve/);
    await run.line(/^not honoured: Service name front does not resolve/);
  });

  test("the example's manifest is one that the table accepts", async () => {
    const example = new URL("../../../examples/ambassador-http/pod.yaml", import.meta.url);
    assert.match(readFileSync(example, "utf8"), /kind: Pod/);
    using folder = new Folder();
    folder.write("package.json", '{"main":"x.js"}');
    const image = `ghcr.io/outrigger/ambassador:0.1.0=${folder.path}`;
    await using run = new Outrigger(["run", "--check", "--image", image, example.pathname]);
    const code = await run.ended;
    // The example's ports may be in use on this machine; the manifest itself must be right.
    assert.ok(code === 0 || /^port \d+ of .* is taken/.test(run.stderr), run.stderr);
  });

  const namespaces = namespaceCommand();
  const skip = "why" in namespaces ? `no network namespaces here: ${namespaces.why}` : false;
  test(
    "two pods that claim one port run in a network namespace each, where their aliases and Services resolve",
    { skip },
    async () => {
      using folder = new Folder();
      const port = await freePort();
      const script = `require("http").createServer((q, s) => s.end(process.env.HOSTNAME)).listen(${port}, "127.0.0.1", async () => {
      const answers = [];
      for (const host of ["localhost", "redis-master", "svc-" + process.env.HOSTNAME]) answers.push(await (await fetch("http://" + host + ":${port}/")).text());
      console.log("answers " + answers); });
      process.on("SIGTERM", () => process.exit(0));`;
      const documents = ["one", "two"].flatMap((name) => [
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: `svc-${name}` },
          spec: { selector: { app: name }, ports: [{ port }] },
        },
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, labels: { app: name } },
          spec: {
            hostAliases: [{ ip: "127.0.0.1", hostnames: ["redis-master"] }],
            containers: [
              nodeContainer("web", script, {
                ports: [{ containerPort: port }],
                readinessProbe: { httpGet: { port }, periodSeconds: 1 },
              }),
            ],
          },
        },
      ]);
      const file = folder.write("pods.yaml", documents.map((each) => JSON.stringify(each)).join("\n---\n"));
      await using run = new Outrigger(["run", file]);
      for (const name of ["one", "two"]) {
        await run.line(new RegExp(`^${name}/web +\\| answers ${name},${name},${name}$`));
        await run.line(new RegExp(`${name}/web: ready`));
        await run.line(
          new RegExp(`not honoured: pod ${name} has a network of its own: nothing outside it can be reached`),
        );
      }
      await run.line(/not honoured: Service name svc-two does not resolve in pod one/);
      run.process.kill("SIGINT");
      assert.equal(await run.ended, 0, run.stderr);
      await run.line(/one\/web: exited with code 0/);
      await run.line(/two\/web: exited with code 0/);
    },
  );
});
