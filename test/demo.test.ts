import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { freePort } from "@outrigger/core/testing";
import { demo, ROOT } from "./support/demo.ts";

/** The example's manifest on free ports; `broken`: the ambassador's route leads to one port where nobody listens. */
class Example implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "outrigger-demo-"));
  readonly file = join(this.folder, "pod.yaml");

  private constructor(text: string) {
    writeFileSync(this.file, text);
  }

  static async onFreePorts({ broken = false } = {}): Promise<Example> {
    const fixed = ["8001", "9001", "9002", "9003", "14010"];
    const free = new Map<string, number>();
    for (const port of [...fixed, "control", "nowhere"]) free.set(port, await freePort());
    let text = readFileSync(join(ROOT, "examples", "ambassador-http", "pod.yaml"), "utf8");
    const replace = (pattern: RegExp, by: string | ((port: string) => string)): void => {
      assert.match(text, pattern, "the example has changed: this test should, too");
      text = text.replace(pattern, by as string);
    };
    replace(/\b(?:8001|900[123]|14010)\b/g, (port) => String(free.get(port)));
    if (broken) replace(/http:\/\/127\.0\.0\.1:[^?\n]+\?/, `http://127.0.0.1:${free.get("nowhere")}?`);
    replace(
      /^( +)- --route=/m,
      `$1- --probe=${free.get("14010")}\n$1- --control=${free.get("control")}\n$1- --route=`,
    );
    return new Example(text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe("npm run demo", { concurrency: 3 }, () => {
  test("with a working world it ends 0, and no request of the shop has failed", async () => {
    using example = await Example.onFreePorts();
    const { code, output } = await demo([example.file, "--for", "5s"]).ended;
    assert.equal(code, 0, output);
    assert.match(output, /shop +\| done: [1-9]\d* requests, [1-9]\d* answered, 0 failed/);
  });

  test("when requests of the shop failed it ends 1, and says that the shop has failed", async () => {
    using example = await Example.onFreePorts({ broken: true });
    const { code, output } = await demo([example.file, "--for", "5s"]).ended;
    assert.equal(code, 1, output);
    assert.match(output, /failed: shop exited with code 1/);
  });

  for (const [whom, signal] of [
    ["its process group", "SIGTERM"],
    ["its process group", "SIGHUP"],
    ["it alone", "SIGTERM"],
  ] as const) {
    test(`${signal} to ${whom} is one request: the pod drains and the demo ends 0`, async () => {
      using example = await Example.onFreePorts();
      const run = demo([example.file]);
      await run.said(/shop +\| \d+ answered/);
      process.kill(whom === "it alone" ? run.pid : -run.pid, signal);
      const { code, output } = await run.ended;
      assert.equal(code, 0, output);
      assert.match(output, /shop +\| done: [1-9]\d* requests/);
      assert.match(output, /ambassador: exited with code 0/);
    });
  }

  test("an example that does not exist is refused with those that do", async () => {
    const { code, output } = await demo(["ambasador"]).ended;
    assert.equal(code, 2);
    assert.equal(
      output,
      'there is no example "ambasador"; there are: ambassador-http, leader-elector, work-queue, work-queue-files; or give a manifest, FILE.yaml\n',
    );
  });
});
