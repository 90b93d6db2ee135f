/** The container's entry as its users run it: a process with flags, files, signals, probes. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { startCatalogue } from "./testing/catalogue.ts";
import { get, PACKAGE, run, start } from "./testing/container-process.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-ambassador-"));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

it("it starts from one flag, answers probes, tells metrics and explains, and ends with 0 on SIGTERM", async () => {
  const catalogue = await startCatalogue("a");
  const container = await start(["--route", `0=http://127.0.0.1:${catalogue.port}?retries=2`]);
  assert.equal((await get(container.port, "/x")).body, "a");
  for (const path of ["/livez", "/readyz", "/startupz"])
    assert.equal((await get(container.probe, path)).status, 200, path);
  assert.match(
    (await get(container.probe, "/metrics")).body,
    /outrigger_http_requests_total\{listener="0",code_class="2xx"\} 1\n/,
  );
  assert.equal((await get(container.control, "/explain")).status, 403);
  const explained = await get(container.control, "/explain", { headers: { "x-outrigger-control": "1" } });
  assert.match(explained.body, new RegExp(`"key": "127.0.0.1:${catalogue.port}"`));
  container.child.kill("SIGTERM");
  assert.equal(await container.exited, 0);
  await catalogue.stop();
});

it("as egress it serves on after SIGTERM until the workload's connections are closed", async () => {
  const catalogue = await startCatalogue("a");
  const container = await start(["--route", `0=http://127.0.0.1:${catalogue.port}`]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await get(container.port, "/before", { agent });
  container.child.kill("SIGTERM");
  await container.line(/draining/);
  for (let n = 0; n < 20; n++) assert.equal((await get(container.port, `/${n}`, { agent })).body, "a");
  assert.equal((await get(container.port, "/new-connection")).body, "a");
  agent.destroy();
  assert.equal(await container.exited, 0);
  await catalogue.stop();
});

/** What a file descriptor of another process is; nothing when it has just been closed. */
function linkOf(pid: number | undefined, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}

for (const [room, what] of [
  [4, "with room for four connections all are answered"],
  [0, "with room for none a client is turned away, and with its socket the others are answered"],
] as const) {
  it(`at the limit of open files requests wait for a socket, and no endpoint is ejected: ${what}`, async (t) => {
    if (spawnSync("prlimit", ["--version"]).error) return t.skip("prlimit (util-linux) is not on PATH");
    const CLIENTS = 20;
    const catalogue = await startCatalogue("a");
    const container = await start(["--route", `0=http://127.0.0.1:${catalogue.port}?ejectAfter=1`]);
    const { pid } = container.child;
    const open = (): number[] => readdirSync(`/proc/${pid}/fd`).map(Number);
    const sockets = (): number => open().filter((fd) => linkOf(pid, fd).startsWith("socket:")).length;
    const before = sockets();
    const clients = Array.from({ length: CLIENTS }, () => connect(container.port, "127.0.0.1"));
    while (sockets() < before + CLIENTS) await new Promise((resolve) => setImmediate(resolve));
    // They are in; from here on no more is opened than there is room for. The limit is one of numbers, not of counts.
    const taken = new Set(open());
    let limit = 0;
    for (let free = 0; free < room || taken.has(limit); limit++) if (!taken.has(limit)) free++;
    execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limit}`]);
    const answers = await Promise.all(
      clients.map(async (client, n) => {
        client.write(`GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`);
        let answer = "";
        for await (const chunk of client) {
          answer += (chunk as Buffer).toString("latin1");
          // The answer of the proxy itself ends with the connection; the endpoint's with its last chunk.
          if (answer.endsWith("\r\na\r\n0\r\n\r\n")) break;
        }
        return answer;
      }),
    );
    const good = answers.filter((answer) => /^HTTP\/1\.1 200 OK\r\n.*\r\na\r\n0\r\n\r\n$/s.test(answer));
    const turnedAway = answers.filter((answer) =>
      /^HTTP\/1\.1 503 .*x-outrigger-reason: no-socket\r\n.*connection: close\r\n/s.test(answer),
    );
    assert.equal(good.length + turnedAway.length, CLIENTS);
    assert.equal(catalogue.asked.length, good.length);
    if (room > 0) assert.equal(good.length, CLIENTS);
    else
      assert.ok(
        turnedAway.length >= 1 && turnedAway.length < CLIENTS / 2,
        `${turnedAway.length} turned away`,
      );
    await container.line(/no socket for a connection to an endpoint: requests wait/);
    const explained = await get(container.control, "/explain", { headers: { "x-outrigger-control": "1" } });
    assert.match(explained.body, /"available": 1,/);
    container.child.kill("SIGTERM");
    assert.equal(await container.exited, 0);
    await catalogue.stop();
  });
}

it("a changed file is taken over while it runs; an invalid one is refused, and the old one serves on", async () => {
  const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
  const file = join(scratch, "ambassador.yaml");
  const write = (port: number, more = ""): void =>
    writeFileSync(
      file,
      `routes:\n  - name: catalog\n    listen: 0\n    protocol: http\n    endpoints: ["127.0.0.1:${port}"]\n${more}`,
    );
  write(a.port);
  const container = await start(["--config", file]);
  assert.equal((await get(container.port, "/")).body, "a");
  write(b.port, "    retris: 3\n");
  container.child.kill("SIGHUP");
  await container.line(/not reloaded/);
  assert.equal((await get(container.port, "/")).body, "a");
  write(b.port);
  container.child.kill("SIGHUP");
  await container.line(/^configuration reloaded$/);
  assert.equal((await get(container.port, "/")).body, "b");
  const { body } = await get(container.probe, "/metrics");
  assert.match(body, /outrigger_config_reloads_total\{result="refused"\} [1-9]/);
  container.child.kill("SIGTERM");
  assert.equal(await container.exited, 0);
  await Promise.all([a.stop(), b.stop()]);
});

describe("wrong usage", () => {
  it("of a route shows the line with a caret under every problem, and exits 2", () => {
    const { status, stderr } = run(
      "--route",
      "8001=http://127.0.0.1:1?retris=2",
      "--route",
      "8002=gopher://127.0.0.1:1",
    );
    assert.equal(status, 2);
    assert.match(stderr, /2 problems in the configuration/);
    assert.match(stderr, /--route, column 25: routes\[0\]\.retris: unknown key \(did you mean retries\?\)/);
    assert.match(stderr, /\n {2}8001=http:\/\/127\.0\.0\.1:1\?retris=\*\n {2} {24}\^\n/);
    assert.match(stderr, /routes\[1\]\.protocol: .*http.*https/);
  });

  it("no route at all says how one looks", () => {
    const { status, stderr } = run();
    assert.equal(status, 2);
    assert.match(stderr, /--route 8001=http:\/\//);
  });

  it("two routes on one port exit 2, naming both", () => {
    const { status, stderr } = run(
      "--route",
      "8001=http://127.0.0.1:1",
      "--route",
      "8001=http://127.0.0.1:2",
    );
    assert.equal(status, 2);
    assert.match(stderr, /routes\[1\]\.listen: 8001 is taken by routes\[0\]/);
  });

  it("a port that is taken exits 1, naming it and the remedy", async () => {
    const catalogue = await startCatalogue("a");
    const { status, stdout, stderr } = run(
      "--probe",
      "127.0.0.1:0",
      "--control",
      "off",
      "--route",
      `127.0.0.1:${catalogue.port}=http://127.0.0.1:1`,
    );
    assert.equal(status, 1);
    assert.match(
      stdout + stderr,
      new RegExp(
        `cannot listen on 127\\.0\\.0\\.1:${catalogue.port}: another process listens there: choose another port`,
      ),
    );
    await catalogue.stop();
  });

  it("--check-config says what is valid", () => {
    const { status, stdout } = run("--check-config", "--route", "8001=http://127.0.0.1:1");
    assert.deepEqual([status, stdout], [0, "the configuration is valid\n"]);
  });
});

it("schema.json and the README's table are what the code says", () => {
  execFileSync(process.execPath, [join(PACKAGE, "..", "..", "scripts", "generate.mjs"), "--check"], {
    stdio: "pipe",
  });
});

describe("the README", () => {
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");

  it("names every metric that there is, and none that there is not", async () => {
    const catalogue = await startCatalogue("a");
    const container = await start(["--route", `0=http://127.0.0.1:${catalogue.port}`]);
    await get(container.port, "/");
    const { body } = await get(container.probe, "/metrics");
    const real = new Set(
      [...body.matchAll(/^# TYPE (outrigger_(?:http|upstream)_\w+) /gm)].map(([, name]) => name as string),
    );
    const told = new Set([...readme.matchAll(/outrigger_(?:http|upstream)_[a-z_]+/g)].map(([name]) => name));
    assert.deepEqual([...told].sort(), [...real].sort());
    container.child.kill("SIGKILL");
    await container.exited;
    await catalogue.stop();
  });

  it("has code that runs as it stands, but for the ports of the backends", async () => {
    const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
    const code = /```js\n([^]*?)```/.exec(readme)?.[1] as string;
    const file = join(PACKAGE, "dist", "readme-code.mjs");
    writeFileSync(
      file,
      code.replace("127.0.0.1:9001", `127.0.0.1:${a.port}`).replace("127.0.0.1:9002", `127.0.0.1:${b.port}`),
    );
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const [code0] = (await once(child, "close")) as [number];
    rmSync(file);
    assert.equal(code0, 0);
    assert.match(output, new RegExp(`^200 127\\.0\\.0\\.1:(${a.port}|${b.port})\n$`));
    assert.deepEqual([...a.asked, ...b.asked], ["/items/1"]);
    await Promise.all([a.stop(), b.stop()]);
  });

  it("has a command line that is accepted as it stands", () => {
    const command = /```sh\nnpx outrigger-ambassador (.*)\n```/.exec(readme)?.[1] as string;
    const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, plain]) => (quoted ?? plain) as string,
    );
    assert.equal(run(...args, "--check-config").status, 0);
  });

  it("has a configuration file that is accepted as it stands, and is the same as the command line", () => {
    const text = /```yaml\n(routes:\n[^]*?)```/.exec(readme)?.[1] as string;
    const line = "8001=http://127.0.0.1:9001,127.0.0.1:9002?retries=2";
    const file = join(PACKAGE, "dist", "readme.yaml");
    writeFileSync(file, text);
    const [fromFile, fromLine] = [
      run("--config", file, "--print-config"),
      run("--route", line, "--print-config"),
    ];
    rmSync(file);
    assert.equal(fromFile.status, 0, fromFile.stderr);
    assert.equal(fromFile.stdout, fromLine.stdout);
  });
});
