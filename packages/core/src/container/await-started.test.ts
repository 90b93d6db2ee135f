import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../testing/free-port.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { systemClock } from "../time/clock.ts";
import { awaitStarted } from "./await-started.ts";

const ECHO = fileURLToPath(new URL("../testing/fixtures/echo-container.js", import.meta.url));

async function startup(context: TestContext, answer: (nth: number) => number): Promise<number> {
  let asked = 0;
  const server: Server = createServer((request, response) => {
    response.writeHead(request.url === "/startupz" ? answer(++asked) : 404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("it asks until the container says that it is started", async (context) => {
  let last = 0;
  const port = await startup(context, (nth) => ((last = nth) < 3 ? 503 : 200));
  for (const host of [undefined, "0.0.0.0", "127.0.0.1"])
    await awaitStarted(host === undefined ? { port } : { host, port }, 60_000, systemClock);
  assert.equal(last, 5);
});

test("when the time is over it says what the container answered last", async (context) => {
  const port = await startup(context, () => 503);
  await assert.rejects(awaitStarted({ port }, 0, new VirtualClock()), {
    code: "not-started",
    message:
      /^not started within 0ms: http:\/\/127\.0\.0\.1:\d+\/startupz answers 503; .*--await-started=DURATION$/,
  });
  await assert.rejects(awaitStarted({ port: await freePort() }, 0, new VirtualClock()), {
    code: "not-started",
    message: /\/startupz cannot be asked \(.*ECONNREFUSED.*\)/,
  });
});

test("with a container's own flags it ends with 0 when that is started, and not before", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-await-"));
  const [file, gate] = [join(folder, "c.yaml"), join(folder, "gate")];
  writeFileSync(file, `waitFor: ${gate}\n`);
  const args = [ECHO, `--config=${file}`, `--probe=127.0.0.1:${await freePort()}`, "--control=off"];
  const container = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => {
    container.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  let said = "";
  await new Promise<void>((resolve) => {
    container.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("waiting for a file")) resolve();
    });
  });
  const early = spawn(process.execPath, [...args, "--await-started=1ms"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  early.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  assert.deepEqual(await once(early, "close"), [1, null]);
  assert.match(complaint, /^outrigger-echo: not started within 1ms: .* answers 503;/);

  const waiting = spawn(process.execPath, [...args, "--await-started"], { stdio: "inherit" });
  writeFileSync(gate, "");
  assert.deepEqual(await once(waiting, "close"), [0, null]);
});

test("a time that is none, and a probe port that nobody can know, are usage errors", async () => {
  for (const [args, message] of [
    [["--await-started=soon"], /--await-started: .*soon/],
    [["--await-started", "--probe=0"], /--await-started: port 0 is another port each time/],
  ] as const) {
    const started = spawn(process.execPath, [ECHO, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    assert.deepEqual(await once(started, "close"), [2, null]);
    assert.match(complaint, message);
  }
});
