import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../testing/free-port.ts";

const ECHO = fileURLToPath(new URL("../testing/fixtures/echo-container.js", import.meta.url));
const BARE_ENV = { PATH: process.env["PATH"] ?? "" };

type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A container as a process: its log as lines that a test can wait for. */
class Running {
  readonly lines: Line[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly child: ChildProcess;
  stderr = "";
  #ended = false;
  #wake = new Set<() => void>();

  constructor(
    context: TestContext,
    argv: readonly string[],
    env: Record<string, string> = {},
    command = [process.execPath],
  ) {
    const [program = "", ...before] = command;
    const given = (flag: string): boolean => argv.some((argument) => argument.startsWith(`--${flag}=`));
    const free = [
      ...(given("probe") ? [] : ["--probe=127.0.0.1:0"]),
      ...(given("control") ? [] : ["--control=0"]),
    ];
    this.child = spawn(program, [...before, ECHO, ...free, ...argv], {
      env: { ...BARE_ENV, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rest = "";
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.lines.push(JSON.parse(part) as Line);
      this.#tell();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.#ended = true;
        this.#tell();
        resolve({ code, signal });
      });
    });
    context.after(() => this.child.kill("SIGKILL"));
  }

  #tell(): void {
    for (const wake of this.#wake) wake();
  }

  /** Resolves with the nth line of that message (1 is the first). */
  async line(message: string | RegExp, nth = 1): Promise<Line> {
    const giveUp = Date.now() + 30_000;
    const ticking = setInterval(() => this.#tell(), 1_000);
    try {
      return await this.#line(message, nth, giveUp);
    } finally {
      clearInterval(ticking);
    }
  }

  async #line(message: string | RegExp, nth: number, giveUp: number): Promise<Line> {
    for (;;) {
      const found = this.lines.filter(({ msg }) =>
        typeof message === "string" ? msg === message : message.test(msg),
      );
      const line = found[nth - 1];
      if (line) return line;
      if (this.#ended)
        assert.fail(`it ended without ${String(message)}: ${JSON.stringify(this.lines)} ${this.stderr}`);
      if (Date.now() > giveUp) assert.fail(`it never said ${String(message)}: ${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wake.delete(wake);
          resolve();
        };
        this.#wake.add(wake);
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

function portIn(list: unknown): number {
  return Number(/:(\d+)$/.exec(String((list as string[])[0]))?.[1]);
}

async function start(context: TestContext, argv: readonly string[], env?: Record<string, string>) {
  const running = new Running(context, argv, env);
  const ready = await running.line("ready");
  const ports = Object.values(ready["listeners"] as Record<string, string[]>).map(portIn);
  return {
    running,
    ready,
    probe: portIn(ready["probe"]),
    control: portIn(ready["control"]),
    port: ports[0] ?? 0,
  };
}

function http(
  port: number,
  path: string,
  method = "GET",
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, method, agent: false, headers: { "x-outrigger-control": "1" } },
      (incoming) => {
        let body = "";
        incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
        incoming.on("end", () => resolve({ status: incoming.statusCode, body }));
      },
    );
    outgoing.on("error", reject).end();
  });
}

async function metric(probe: number, series: string): Promise<number> {
  const { body } = await http(probe, "/metrics");
  return Number(
    body
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")
      .at(-1),
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_500; turn++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it never came to be");
}

/** A workload's connection: what it says is answered on `next()`. */
async function workload(
  port: number,
): Promise<{ socket: Socket; ask(text: string): Promise<string>; closed: Promise<void> }> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.setEncoding("utf8").on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const ask = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const broken = (): void => reject(new Error("closed instead of answered"));
      socket.once("close", broken);
      socket.once("data", (answer) => {
        socket.off("close", broken);
        resolve(String(answer));
      });
      socket.write(text);
    });
  return { socket, ask, closed };
}

function once(argv: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ECHO, ...argv], {
    env: { ...BARE_ENV, ...env },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const ROUTE = "--route=0=echo://world:1";

test("it says ready with the real ports, serves, and on SIGTERM drains and exits 0", async (context) => {
  const { running, ready, probe, port } = await start(context, [ROUTE, "--egress-quiet=10ms"]);
  assert.deepEqual([ready["level"], ready["pattern"], ready["version"]], ["info", "echo", "1.2.3"]);
  assert.ok(probe > 0 && port > 0);
  for (const path of ["/livez", "/readyz", "/startupz"])
    assert.equal((await http(probe, path)).status, 200, path);
  const { ask, socket } = await workload(port);
  assert.equal(await ask("a"), "hello a");
  running.kill("SIGTERM");
  assert.equal((await running.line("draining"))["reason"], "SIGTERM");
  // Egress: the workload may still call out, on this connection and on new ones.
  assert.equal(await ask("b"), "hello b");
  const late = await workload(port);
  assert.equal(await late.ask("c"), "hello c");
  assert.equal((await http(probe, "/readyz")).status, 200);
  socket.end();
  late.socket.end();
  assert.equal((await running.line("stopped"))["cut"], 0);
  assert.deepEqual(await running.exited, { code: 0, signal: null });
  assert.equal(running.stderr, "");
});

test("a pattern has pages on the probe server, and prints of its own instead of running", async (context) => {
  const { running, probe } = await start(context, [ROUTE, "--egress-quiet=0ms", "--greeting=Ahoy"]);
  assert.deepEqual(await http(probe, "/greeting?name=Ann"), { status: 200, body: "Ahoy, Ann\n" });
  assert.match((await http(probe, "/none")).body, /^\/greeting$/m);
  running.kill("SIGTERM");
  await running.exited;
  assert.equal(once(["--print-greeting", "--greeting=Ahoy"]).stdout, "Ahoy world\n");
  assert.equal(once(["--print-greeting", "--gruss=Ahoy"]).status, 2);
  assert.match(once(["--help"]).stdout, /--print-greeting {2,}what it would say/);
});

test("a command is the first word: what it says is printed, wrong words exit 2, and a failure 1", () => {
  assert.deepEqual(once(["shout", "ahoy"], { LOUD: "!" }), { status: 0, stdout: "AHOY!\n", stderr: "" });
  assert.deepEqual(once(["shout"]), {
    status: 2,
    stdout: "",
    stderr: "outrigger-echo shout: shout takes one TEXT\n",
  });
  assert.deepEqual(once(["shout", "mute"]), {
    status: 1,
    stdout: "",
    stderr: "outrigger-echo shout: nothing was said\n",
  });
  assert.match(once(["--help"]).stdout, /shout TEXT {2,}says it louder/);
  // Of no other pattern, and nowhere else.
  assert.equal(once([ROUTE, "shout"]).status, 2);
});

test("a pattern that never finishes to stop does not keep the container from ending", async (context) => {
  const { running } = await start(context, ["--egress-quiet=0ms"], { OUTRIGGER_CONFIG: "fail: stop" });
  running.kill("SIGTERM");
  assert.deepEqual(await running.exited, { code: 0, signal: null });
});

test("SIGINT drains as SIGTERM does", async (context) => {
  const { running } = await start(context, ["--egress-quiet=0ms"]);
  running.kill("SIGINT");
  assert.equal((await running.line("draining"))["reason"], "SIGINT");
  assert.equal((await running.exited).code, 0);
});

test("ingress answers what is in flight after it stopped accepting, and is not ready then", async (context) => {
  const { running, port, probe } = await start(context, [`${ROUTE}?role=ingress`, "--settle=50ms"], {
    OUTRIGGER_CONFIG: "delay: 1500ms\nlogLevel: debug",
  });
  const { ask, closed } = await workload(port);
  const answer = ask("x");
  // Before that it is a connection without a request, and may be closed.
  await running.line("heard");
  running.kill("SIGTERM");
  await until(async () => (await http(probe, "/readyz")).status === 503);
  assert.match((await http(probe, "/readyz")).body, /lifecycle: draining/);
  assert.equal((await http(probe, "/livez")).status, 200);
  await assert.rejects(workload(port), { code: "ECONNREFUSED" });
  assert.equal(await answer, "hello x");
  await closed;
  assert.deepEqual(await running.exited, { code: 0, signal: null });
});

test("what outlasts grace is cut, counted in the log, and the exit code is still 0", async (context) => {
  const { running, port } = await start(context, [ROUTE, "--grace=100ms"]);
  const { closed } = await workload(port);
  running.kill("SIGTERM");
  const line = await running.line(/grace period ended/);
  assert.deepEqual([line["level"], line["cut"]], ["warn", 1]);
  await closed;
  assert.equal((await running.exited).code, 0);
});

test("a second SIGTERM exits at once with 143, a second SIGINT with 130", async (context) => {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    const { running, port } = await start(context, [ROUTE]);
    await workload(port); // stays, so that draining would take the whole grace
    running.kill(signal);
    await running.line("draining");
    // Until it is not the same request any more.
    const repeated = setInterval(() => running.kill(signal), 20).unref();
    assert.equal((await running.exited).code, code);
    clearInterval(repeated);
    assert.equal(running.lines.at(-1)?.msg, "second signal: exiting at once");
  }
});

test("the same SIGTERM twice at once, as npm passes it on, cuts nothing; another signal does", async (context) => {
  const stopped = "data:text/javascript,const now = performance.now(); performance.now = () => now";
  const running = new Running(context, [ROUTE], {}, [process.execPath, "--import", stopped]);
  const ready = await running.line("ready");
  await workload(portIn(Object.values(ready["listeners"] as object)[0]));
  running.kill("SIGTERM");
  await running.line("draining");
  running.kill("SIGTERM");
  // A second request would have ended the process by now, and the control server with it.
  assert.equal((await http(portIn(ready["control"]), "/configz")).status, 200);
  running.kill("SIGINT");
  assert.equal((await running.exited).code, 130);
});

test("the first SIGTERM after /quitquitquit is the first signal: it cuts nothing", async (context) => {
  const { running, port, control } = await start(context, [ROUTE]);
  const open = await workload(port);
  await http(control, "/quitquitquit", "POST");
  await running.line("draining");
  running.kill("SIGTERM");
  // A second signal would have ended the process by now, and the control server with it.
  assert.equal((await http(control, "/configz")).status, 200);
  open.socket.destroy();
  assert.equal((await running.exited).code, 0);
});

test("while it starts it is alive but not started nor ready, and SIGTERM ends it with 0", async (context) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  const running = new Running(context, [`--probe=127.0.0.1:${port}`], { OUTRIGGER_CONFIG: "fail: hang" });
  await running.line("hanging");
  assert.equal((await http(port, "/livez")).status, 200);
  assert.equal((await http(port, "/startupz")).body, "[-] lifecycle: starting\nfailed: lifecycle\n");
  assert.equal((await http(port, "/readyz")).status, 503);
  running.kill("SIGTERM");
  assert.deepEqual(await running.exited, { code: 0, signal: null });
  assert.equal(running.lines.at(-1)?.msg, "stopped while starting");
});

for (const [fail, message] of [
  ["start", "failed: the echo has no voice"],
  ["throw", "failed: thrown where nobody catches"],
  ["reject", "failed: rejected where nobody looks"],
] as const) {
  test(`a ${fail} that fails is logged once, as one JSON line with its stack, and exits 1`, async (context) => {
    const running = new Running(context, [], { OUTRIGGER_CONFIG: `fail: ${fail}` });
    assert.deepEqual(await running.exited, { code: 1, signal: null });
    const errors = running.lines.filter(({ level }) => level === "error");
    assert.deepEqual(
      errors.map(({ msg }) => msg),
      [message],
    );
    const logged = errors[0]?.["error"] as { stack: string } | undefined;
    assert.match(logged?.stack ?? "", /echo-container/);
    assert.equal(running.stderr, "");
  });
}

test("a probe port that is taken is a failure while running: one line that says what to do, exit 1", async (context) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  context.after(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  const { status, stdout } = once([`--probe=127.0.0.1:${port}`]);
  assert.equal(status, 1);
  assert.equal(stdout.trim().split("\n").length, 1);
  assert.match(
    (JSON.parse(stdout) as Line).msg,
    /port \d+ is taken by another process: choose another with --probe$/,
  );
  assert.doesNotMatch(stdout, /"stack"/);
});

test("wrong flags and a wrong file exit 2 with every problem on stderr, and start nothing", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(file, "greetng: x\ngrace: soon\n");
  const { status, stdout, stderr } = once([
    "--config",
    file,
    "--rout",
    "x",
    "--control=0.0.0.0:1",
    "--route=1=echo://a?retries=99",
  ]);
  assert.equal(status, 2);
  assert.equal(stdout, "");
  for (const expected of [
    "outrigger-echo: 5 problems in the configuration:",
    "--rout: unknown flag (did you mean --route?); --help shows all flags",
    '--route, column 12: routes[0].retries: found "99", accepted: a whole number from 0 to 10\n  1=echo://a?retries=99\n             ^',
    '--control: control: found "0.0.0.0:1", accepted: PORT, 127.0.0.1:PORT, [::1]:PORT, unix:/path or off (never an address that others reach)',
    `${file}:2:8: grace: found "soon", accepted: a duration with its unit, for example 250ms, 1.5s, 2m`,
    `${file}:1:1: greetng: unknown key (did you mean greeting?), accepted: routes, greeting, `,
  ]) {
    assert.ok(stderr.includes(expected), `${expected}\nis not in\n${stderr}`);
  }
});

test("a file that is not there exits 2 and is named", () => {
  const { status, stderr } = once(["--config=/no/such/file.yaml"]);
  assert.deepEqual(
    [status, stderr],
    [2, "outrigger-echo: cannot read the configuration /no/such/file.yaml: there is no such file\n"],
  );
});

test("a file that is no configuration at all exits 2 with one sentence, never a stack", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  for (const [content, expected] of [
    ["routes: &a\n- *a\n", /c\.yaml:2:3: not usable: an alias .* stands inside of what it stands for\n$/],
    [
      Buffer.alloc(2 ** 21),
      /^outrigger-echo: cannot read the configuration .*c\.yaml: it is larger than 1Mi, .*\n$/,
    ],
    [Buffer.from([0x61, 0xff]), /c\.yaml: it is not UTF-8: line 1 .*\n$/],
  ] as const) {
    writeFileSync(file, content);
    const { status, stderr } = once(["--check-config", `--config=${file}`]);
    assert.equal(status, 2);
    assert.match(stderr, expected);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
  assert.match(once([`--config=${folder}`]).stderr, /: it is a directory, not a file\n$/);
  const pipe = join(folder, "pipe");
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  assert.match(once([`--config=${pipe}`]).stderr, /: it is a pipe, a socket or a device: .*\n$/);
});

test("unknown environment variables are no error, as Kubernetes injects many; an empty one is as unset", () => {
  const env = {
    OUTRIGGER_PORT: "tcp://10.0.0.1:80",
    OUTRIGGER_SERVICE_HOST: "10.0.0.1",
    OUTRIGGER_GRACE: "",
  };
  assert.equal(once(["--check-config"], env).status, 0);
});

test("a reader that leaves early is no failure", () => {
  const script = '"$@" --help | head -c 10; echo "${PIPESTATUS[0]}"';
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", process.execPath, ECHO], {
    encoding: "utf8",
  });
  assert.deepEqual([stdout, stderr], ["outrigger-0\n", ""]);
});

test("--check-config says valid and exits 0, or 2", () => {
  assert.deepEqual(once(["--check-config", ROUTE]), {
    status: 0,
    stdout: "the configuration is valid\n",
    stderr: "",
  });
  assert.equal(once(["--check-config", "--route=1=smtp://a"]).status, 2);
});

for (const [argv, problem] of [
  [
    ["--settle=9s", "--grace=9s"],
    "--settle: settle: 9s is not shorter than grace (9s): what is in flight when settle ends would have no time left",
  ],
  [["--settle=1h"], "--settle: settle: 1h is not shorter than grace (25s): what is"],
  [
    ["--probe=7000", "--control=7000"],
    "--control: control: port 7000 is taken by probe (7000): choose another port for one of them",
  ],
  [["--control=14990"], "--control: control: port 14990 is taken by probe (14990): choose"],
  [
    ["--probe=127.0.0.1:7000", "--control=7000"],
    "--control: control: port 7000 is taken by probe (127.0.0.1:7000)",
  ],
  [["--probe=0.0.0.0:7000", "--control=127.0.0.1:7000"], "--control: control: port 7000 is taken by probe"],
  [
    ["--probe=7000", "--route=10.0.0.1:7000=echo://a"],
    "--route, column 1: routes[0].listen: port 7000 is taken by probe (7000): choose another port for one of them\n  10.0.0.1:7000=echo://a\n  ^",
  ],
  [
    ["--control=7000", "--route=1=echo://a", "--route=localhost:7000=echo://a"],
    "--route, column 1: routes[1].listen: port 7000 is taken by control (7000)",
  ],
] as const) {
  test(`${argv.join(" ")} is refused by --check-config: ${problem.split("\n")[0]}`, () => {
    const { status, stderr } = once(["--check-config", ...argv]);
    assert.equal(status, 2);
    assert.ok(stderr.includes(`1 problem in the configuration:\n${problem}`), stderr);
  });
}

test("one port on addresses that do not overlap, port 0 twice, and spans of zero are no contradiction", () => {
  for (const argv of [
    ["--probe=10.0.0.1:7000", "--control=7000", "--route=10.0.0.2:7000=echo://a"],
    ["--probe=[::1]:7000", "--control=127.0.0.1:7000"],
    ["--probe=0.0.0.0:7000", "--control=[::1]:7000"],
    ["--probe=0", "--control=0", "--route=0=echo://a", "--route=0=echo://b"],
    ["--control=unix:/run/x.sock"],
    ["--grace=0s", "--settle=0s"],
  ]) {
    assert.deepEqual([argv, once(["--check-config", ...argv]).stderr], [argv, ""]);
  }
});

test("a settle that nobody gave is 5s, or half of a short grace", () => {
  assert.match(once(["--print-config"]).stdout, /^settle: 5s$/m);
  assert.match(once(["--print-config", "--grace=2s"]).stdout, /^settle: 1s$/m);
});

test("--print-config shows the outcome as YAML that reads back as itself, secrets redacted", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(
    file,
    "greeting: file\napiKey: hunter2\nroutes: [{listen: '1', protocol: echo, endpoints: [gone]}]\n",
  );
  const env = {
    OUTRIGGER_ROUTES: "2=echo://env 3=echo://env",
    OUTRIGGER_GRACE: "9s",
    OUTRIGGER_SETTLE: "1s",
  };
  const { status, stdout } = once(
    ["--print-config", `--config=${file}`, "--settle=8s", "--control=unix:/run/x.sock"],
    env,
  );
  assert.equal(status, 0);
  assert.equal(
    stdout,
    `routes:
  - listen: "2"
    protocol: echo
    endpoints:
      - env
    role: egress
    retries: 2
  - listen: "3"
    protocol: echo
    endpoints:
      - env
    role: egress
    retries: 2
greeting: file
delay: 0ms
apiKey: "[redacted]"
probe: 14990
control: unix:/run/x.sock
logLevel: info
grace: 9s
settle: 8s
drainToken: "[redacted]"
egressQuiet: 1s
debugEndpoints: false
allowHostNetwork: false
`,
  );
  assert.match(once(["--print-config", `--config=${file}`, ROUTE], env).stdout, /- world:1\n/);
  writeFileSync(file, stdout);
  assert.equal(once(["--print-config", `--config=${file}`]).stdout, stdout);
});

test("--print-schema is JSON Schema of the pattern's and the container's keys", () => {
  const schema = JSON.parse(once(["--print-schema"]).stdout) as {
    properties: object;
    additionalProperties: boolean;
  };
  for (const key of ["routes", "greeting", "probe", "grace"]) assert.ok(key in schema.properties, key);
  assert.equal(schema.additionalProperties, false);
});

test("--help is the whole manual: every flag with its environment twin and default, every key", () => {
  const { status, stdout } = once(["--help", "--zzz"]);
  assert.equal(status, 0);
  for (const part of [
    "outrigger-echo 1.2.3: says what it hears",
    "--greeting TEXT",
    "[default hello, env OUTRIGGER_GREETING]",
    "[default 14990, env OUTRIGGER_PROBE]",
    "--route ROUTE",
    "routes[].tls.caFile",
    "delay                before each echo (a duration with its unit) [default 0ms]",
    "SIGHUP",
    "Exit codes: 0",
  ]) {
    assert.ok(stdout.includes(part), part);
  }
  assert.equal(once(["-h"]).stdout, stdout);
  assert.match(once(["--version"]).stdout, /^outrigger-echo 1\.2\.3 \(node v\d+\.\d+\.\d+\)\n$/);
});

test("a changed file is used without a restart; an invalid one is refused, seen in log and metrics, and the old stays", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(file, "greeting: one\n");
  const { running, probe, control, port } = await start(context, [`--config=${file}`, ROUTE]);
  const { ask } = await workload(port);
  assert.equal(await ask("x"), "one x");

  writeFileSync(file, "greeting: two\nprobe: 1\n");
  await running.line("configuration reloaded");
  assert.equal(await ask("x"), "two x", "the connection from before is served on, by the new configuration");
  assert.equal(await metric(probe, 'outrigger_config_reloads_total{result="success"}'), 1);

  writeFileSync(file, "greting: three\n");
  const refused = await running.line("configuration not reloaded: the old one stays in use");
  assert.match(String(refused["problems"]), /c\.yaml:1:1: greting: unknown key \(did you mean greeting\?\)/);
  assert.equal(await ask("x"), "two x");
  assert.equal(await metric(probe, 'outrigger_config_reloads_total{result="refused"}'), 1);
  assert.equal(await metric(probe, "outrigger_config_last_reload_successful"), 0);

  writeFileSync(file, "greeting: four\nfail: reload\n");
  const failed = await running.line("configuration not reloaded: the old one stays in use", 2);
  assert.equal((failed["error"] as { message: string }).message, "the echo cannot change its voice");
  assert.equal((JSON.parse((await http(control, "/configz")).body) as { greeting: string }).greeting, "two");

  writeFileSync(file, "greeting: five\nlogLevel: debug\n");
  await running.line("configuration reloaded", 2);
  assert.equal(await metric(probe, "outrigger_config_last_reload_successful"), 1);
  assert.equal((await http(control, "/loglevel")).body, "debug\n");

  running.kill("SIGHUP");
  assert.equal((await running.line("configuration reloaded", 3))["cause"], "SIGHUP");
});

test("a key that is read only at the start is warned about when it changes, unless a flag overrides it anyway", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(file, "greeting: one\n");
  const { running } = await start(context, [`--config=${file}`]);
  writeFileSync(file, "debugEndpoints: true\nprobe: 1\n");
  await running.line("configuration reloaded");
  assert.deepEqual((await running.line(/take effect only after a restart/))["keys"], ["debugEndpoints"]);
});

test("a heap that may outgrow the container's memory is warned of at the start", async (context) => {
  const limited = "data:text/javascript,process.constrainedMemory = () => 128 * 2 ** 20";
  const running = new Running(context, [], {}, [process.execPath, "--import", limited]);
  await running.line("ready");
  assert.equal(running.lines[0]?.["memoryLimit"], 128 * 2 ** 20);
  assert.match(running.lines[0]?.msg ?? "", /: start node with --max-old-space-size=64$/);
});

test("a file that changes after the last listener has drained reloads nothing", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  // Its stop hangs, so that the process has a second left in which it could reload.
  writeFileSync(file, "fail: stop\n");
  const { running } = await start(context, [`--config=${file}`, "--egress-quiet=0ms"]);
  running.kill("SIGTERM");
  await running.line("stopped");
  writeFileSync(file, "greeting: late\n");
  assert.equal((await running.exited).code, 0);
  assert.equal(running.lines.at(-1)?.msg, "stopped");
});

function configIn(context: TestContext, text: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(file, text);
  return { folder, file };
}

const route = (port: number): string => `{ listen: '${port}', protocol: echo, endpoints: [world] }`;

test("a reload that is under way when it is asked to end is finished first, and what it opened is drained", async (context) => {
  const [first, added] = [await freePort(), await freePort()];
  const { folder, file } = configIn(context, `grace: 2s\nroutes: [${route(first)}]\n`);
  const { running } = await start(context, [`--config=${file}`]);
  await workload(first);
  const gate = join(folder, "gate");
  writeFileSync(file, `grace: 2s\nwaitFor: ${gate}\nroutes: [${route(first)}, ${route(added)}]\n`);
  await running.line("waiting for a file");
  running.kill("SIGTERM");
  // Signals of different kinds may overtake each other: only its refusal proves that SIGTERM was first.
  await until(async () => {
    running.kill("SIGHUP");
    return running.lines.some(({ msg }) => msg === "configuration not reloaded: it is shutting down");
  });
  writeFileSync(gate, "");
  await running.line("configuration reloaded");
  await workload(added);
  // Both connections stay until grace ends: both are drained, so both are cut, and counted.
  assert.equal((await running.line(/grace period ended/))["cut"], 2);
  assert.equal((await running.exited).code, 0);
});

test("a reload that never ends does not keep it from draining", async (context) => {
  const { folder, file } = configIn(context, "grace: 200ms\n");
  const { running } = await start(context, [`--config=${file}`]);
  writeFileSync(file, `grace: 200ms\nwaitFor: ${join(folder, "never")}\n`);
  await running.line("waiting for a file");
  running.kill("SIGTERM");
  await running.line(/^a reload has not ended in half of the grace period/);
  await running.line("stopped");
  assert.equal((await running.exited).code, 0);
});

test("while it drains, neither a changed file nor SIGHUP opens another port", async (context) => {
  const [first, added] = [await freePort(), await freePort()];
  const { file } = configIn(context, `routes: [${route(first)}]\n`);
  const { running, probe } = await start(context, [`--config=${file}`, "--egress-quiet=0ms"]);
  const open = await workload(first);
  running.kill("SIGTERM");
  await running.line("draining");
  writeFileSync(file, `routes: [${route(first)}, ${route(added)}]\n`);
  running.kill("SIGHUP");
  assert.equal((await running.line("configuration not reloaded: it is shutting down"))["cause"], "SIGHUP");
  await assert.rejects(workload(added), { code: "ECONNREFUSED" });
  assert.equal(await metric(probe, 'outrigger_config_reloads_total{result="success"}'), 0);
  open.socket.destroy();
  assert.equal((await running.exited).code, 0);
});

test("SIGHUP while it starts reloads when the start is over", async (context) => {
  const [first, added] = [await freePort(), await freePort()];
  const { folder, file } = configIn(context, "");
  const gate = join(folder, "gate");
  writeFileSync(file, `waitFor: ${gate}\nroutes: [${route(first)}]\n`);
  const running = new Running(context, [`--config=${file}`]);
  await running.line("waiting for a file");
  writeFileSync(file, `waitFor: ${gate}\nroutes: [${route(first)}, ${route(added)}]\n`);
  running.kill("SIGHUP");
  await running.line("the configuration is reloaded when the start is over");
  await assert.rejects(workload(added), { code: "ECONNREFUSED" });
  writeFileSync(gate, "");
  await running.line("configuration reloaded");
  const said = running.lines.map(({ msg }) => msg);
  assert.ok(said.indexOf("ready") < said.indexOf("configuration reloaded"), said.join("\n"));
  const { ask } = await workload(added);
  assert.equal(await ask("x"), "hello x");
});

test("SIGHUP before anything was read is not the end, and reloads when the start is over", async (context) => {
  const { file } = configIn(context, "");
  // The first that it can have: as soon as it listens for one.
  const early =
    'data:text/javascript,process.on("newListener", (name) => {' +
    ' if (name === "SIGHUP") queueMicrotask(() => process.emit("SIGHUP", "SIGHUP")); })';
  const running = new Running(context, [`--config=${file}`], {}, [process.execPath, "--import", early]);
  assert.equal((await running.line("configuration reloaded"))["cause"], "SIGHUP");
  assert.deepEqual(
    running.lines.map(({ msg }) => msg).filter((message) => /reload|ready/.test(message)),
    ["the configuration is reloaded when the start is over", "ready", "configuration reloaded"],
  );
});

test("SIGHUP without a file is not the end", async (context) => {
  const { running, probe } = await start(context, []);
  running.kill("SIGHUP");
  await running.line("SIGHUP ignored: there is no --config file to reload");
  assert.equal((await http(probe, "/livez")).status, 200);
});

test("the control server shows, quits and sets the log level; profiles are off unless enabled; the pattern's routes are there", async (context) => {
  const { running, control } = await start(context, ["--egress-quiet=0ms"], {
    OUTRIGGER_CONFIG: "apiKey: hunter2",
  });
  assert.doesNotMatch((await http(control, "/configz")).body, /hunter2/);
  assert.deepEqual(JSON.parse((await http(control, "/explain")).body), { greeting: "hello" });
  assert.equal(
    (await http(control, "/loglevel?level=loud", "POST")).body,
    'level: found "loud", accepted: debug, info, warn, error\n',
  );
  assert.equal((await http(control, "/loglevel?level=warn", "POST")).body, "warn\n");
  assert.equal((await http(control, "/debug/heapsnapshot", "POST")).status, 404);
  assert.equal((await http(control, "/quitquitquit")).status, 405);
  assert.equal((await http(control, "/loglevel?level=info", "POST")).status, 200);
  assert.deepEqual(await http(control, "/quitquitquit", "POST"), { status: 202, body: "draining\n" });
  assert.equal((await running.line("draining"))["reason"], "quitquitquit");
  assert.equal((await running.exited).code, 0);
});

test("profiles are there when enabled, and the control server is not when off", async (context) => {
  const { control } = await start(context, ["--debug-endpoints"]);
  assert.equal((await http(control, "/debug/cpuprofile?seconds=0", "POST")).status, 400);
  const off = new Running(context, ["--control=off"]);
  assert.equal((await off.line("ready"))["control"], "off");
});

test("a hostNetwork pod is refused when the downward API tells, unless allowed", async (context) => {
  const env = { HOST_IP: "10.0.0.1", POD_IP: "10.0.0.1" };
  const { status, stderr } = once(["--probe=0", "--control=0"], env);
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^outrigger-echo: HOST_IP and POD_IP are both 10\.0\.0\.1: this pod has hostNetwork, .* --allow-host-network\n$/,
  );
  await start(context, ["--allow-host-network"], env);
  await start(context, [], { HOST_IP: "10.0.0.1", POD_IP: "10.244.0.2" });
});

test("two containers of one image run side by side on port 0", async (context) => {
  const [one, two] = await Promise.all([start(context, [ROUTE]), start(context, [ROUTE])]);
  assert.notEqual(one.probe, two.probe);
  assert.equal(await (await workload(one.port)).ask("x"), "hello x");
  assert.equal(await (await workload(two.port)).ask("x"), "hello x");
});

const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const canUnshare = spawnSync(UNSHARE[0] as string, [...UNSHARE.slice(1), "true"]).status === 0;
test(
  "as PID 1 it drains on SIGTERM and exits 0 (the kernel gives PID 1 no default action)",
  {
    skip: canUnshare
      ? false
      : "unshare --pid --fork --mount-proc is not permitted here (needs root or user namespaces)",
  },
  async (context) => {
    const running = new Running(context, ["--egress-quiet=0ms"], {}, [...UNSHARE, process.execPath]);
    const ready = await running.line("ready");
    assert.ok(portIn(ready["probe"]) > 0);
    const inside = readFileSync(
      `/proc/${running.child.pid}/task/${running.child.pid}/children`,
      "utf8",
    ).trim();
    assert.match(readFileSync(`/proc/${inside}/status`, "utf8"), /^NSpid:\s+\d+\s+1$/m);
    process.kill(Number(inside), "SIGTERM");
    assert.equal((await running.line("draining"))["reason"], "SIGTERM");
    assert.equal((await running.exited).code, 0);
  },
);

test(
  "a config that is a mount of its own (subPath) is warned about",
  { skip: canUnshare ? false : "mount namespaces are not permitted here" },
  async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-container-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const [source, file] = [join(folder, "source.yaml"), join(folder, "c.yaml")];
    writeFileSync(source, "greeting: one\n");
    writeFileSync(file, "");
    const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
    const running = new Running(context, [`--config=${file}`], {}, [
      "unshare",
      "--mount",
      "sh",
      "-c",
      script,
      "sh",
      source,
      file,
      process.execPath,
    ]);
    assert.equal((await running.line(/this file is a mount of its own/))["path"], file);
  },
);
