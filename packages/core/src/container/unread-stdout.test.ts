import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { get } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../testing/free-port.ts";

const ECHO = fileURLToPath(new URL("../testing/fixtures/echo-container.js", import.meta.url));
/** 4 MB: more than a pipe, a socket and the backlog hold together. */
const CHATTER = "4000";

/** A container whose stdout nobody reads, until `lines()` is called. */
async function startUnread(context: TestContext, kind: "pipe" | "socket", config: string) {
  const probe = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-unread-"));
  context.after(() => rmSync(folder, { recursive: true }));
  let stdout: number | "pipe" = "pipe";
  let reader: number | undefined;
  if (kind === "pipe") {
    const path = join(folder, "stdout");
    assert.equal(spawnSync("mkfifo", [path]).status, 0);
    reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    stdout = openSync(path, constants.O_WRONLY);
  }
  const child = spawn(
    process.execPath,
    [ECHO, `--probe=127.0.0.1:${probe}`, "--control=off", "--egress-quiet=0ms"],
    { env: { OUTRIGGER_CONFIG: config }, stdio: ["ignore", stdout, "inherit"] },
  );
  context.after(() => child.kill("SIGKILL"));
  if (typeof stdout === "number") closeSync(stdout);
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const stream = reader === undefined ? child.stdout : new Socket({ fd: reader, writable: false });
  context.after(() => stream?.destroy());
  return {
    child,
    probe,
    exited,
    /** Reads to the end. */
    async lines(): Promise<Readonly<Record<string, unknown>>[]> {
      let text = "";
      stream?.setEncoding("utf8").on("data", (part: string) => (text += part));
      await new Promise((resolve) => stream?.once("end", resolve));
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    },
  };
}

/** Polls the probe server; null while nobody answers. */
async function ask(port: number, path: string, wanted: (body: string) => boolean): Promise<string> {
  for (const giveUp = Date.now() + 20_000; Date.now() < giveUp;) {
    const body = await new Promise<string | null>((resolve) => {
      const outgoing = get({ host: "127.0.0.1", port, path, agent: false, timeout: 1_000 }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (part: string) => (text += part));
        incoming.on("end", () => resolve(text));
      });
      outgoing.on("timeout", () => outgoing.destroy()).on("error", () => resolve(null));
    });
    if (body !== null && wanted(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return assert.fail(`${path} never was as wanted`);
}

for (const kind of ["pipe", "socket"] as const) {
  test(`a stdout (${kind}) that nobody reads stops nothing; read again, it says how many lines are missing, and the last are there`, async (context) => {
    const { child, probe, exited, lines } = await startUnread(context, kind, `chatter: ${CHATTER}`);
    await ask(probe, "/readyz", (body) => body === "ok\n");
    const metrics = await ask(probe, "/metrics", () => true);
    const counted = Number(/^outrigger_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1]);
    assert.ok(counted > 0 && counted < 4_000, String(counted));
    const reading = lines();
    child.kill("SIGTERM");
    const read = await reading;
    assert.equal(await exited, 0);
    const gap = read.findIndex(({ dropped }) => dropped !== undefined);
    assert.deepEqual(
      [read[gap]?.["dropped"], read[gap]?.["level"], read[gap]?.["pattern"], read[gap]?.["msg"]],
      [counted, "warn", "echo", "log lines are missing here: stdout was not read in time"],
    );
    const last = Number(read[gap - 1]?.["n"]);
    assert.deepEqual([read[0]?.["n"], read[gap + 1]?.["n"]], [0, last + 1 + counted]);
    assert.deepEqual(
      read.slice(-3).map(({ msg }) => msg),
      ["ready", "draining", "stopped"],
    );
  });

  test(`a stdout (${kind}) that nobody ever reads does not keep the container from ending`, async (context) => {
    const { child, probe, exited } = await startUnread(context, kind, `chatter: ${CHATTER}`);
    await ask(probe, "/readyz", (body) => body === "ok\n");
    child.kill("SIGTERM");
    assert.equal(await exited, 0);
  });
}

test("a failure that follows more lines than the pipe holds is the last line, where somebody reads", async (context) => {
  const { exited, lines } = await startUnread(context, "pipe", "chatter: 900\nfail: throw");
  const reading = lines();
  assert.equal(await exited, 1);
  const read = await reading;
  assert.equal(read.at(-1)?.["msg"], "failed: thrown where nobody catches");
});
