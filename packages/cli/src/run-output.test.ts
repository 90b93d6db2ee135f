import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { namespaceCommand } from "./pod/own-network.ts";
import { Folder, nodeContainer, Outrigger, podManifest } from "./testing/outrigger.ts";

/** Talks all the time; at SIGTERM goes on for a while, notes that it could, and ends with the code of its last argument. */
const TALKER = `const [note, code] = process.argv.slice(1);
  process.on("SIGTERM", () => setTimeout(() => { require("fs").appendFileSync(note, "drained"); process.exit(Number(code)); }, 400));
  setInterval(() => console.log("more"), 20);`;

const talkers = (folder: Folder, code: number, names = ["shop"]): string =>
  folder.write(
    "pods.yaml",
    names
      .map((name) =>
        podManifest(
          { containers: [nodeContainer("web", TALKER, { args: [join(folder.path, name), String(code)] })] },
          { name },
        ),
      )
      .join("\n---\n"),
  );

const drained = (folder: Folder, name: string): void =>
  assert.equal(readFileSync(join(folder.path, name), "utf8"), "drained");

class FullDevice implements Disposable {
  readonly descriptor = openSync("/dev/full", "w");
  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}
const noFullDevice = existsSync("/dev/full") ? false : "there is no /dev/full here";
const NO_SPACE =
  /^cannot write standard output: ENOSPC: no space left on device, write: make room there, or send the output elsewhere\n$/;

describe("the output of outrigger run", { concurrency: 3 }, () => {
  for (const [sentence, code, flags, expected, said] of [
    ["a closed output stops the pod in order; the run ends well", 0, [], 0, ""],
    ["who stops reading has ended the run by hand: its containers may fail", 3, [], 0, ""],
    [
      "with --for a failed container is exit code 1 and a sentence on stderr, also when nobody reads the rest",
      3,
      ["--for", "10m"],
      1,
      "failed: web exited with code 3\n",
    ],
  ] as const) {
    test(sentence, async () => {
      using folder = new Folder();
      await using run = new Outrigger(["run", talkers(folder, code), ...flags]);
      await run.line(/\| more/);
      run.process.stdout?.destroy();
      assert.equal(await run.ended, expected, run.stderr);
      assert.equal(run.stderr, said);
      drained(folder, "shop");
    });
  }

  test(
    "a full disk stops the pod in order, with one sentence on stderr and exit code 1",
    { skip: noFullDevice },
    async () => {
      using folder = new Folder();
      using full = new FullDevice();
      await using run = new Outrigger(["run", talkers(folder, 0)], {}, full.descriptor);
      assert.equal(await run.ended, 1);
      assert.match(run.stderr, NO_SPACE);
    },
  );

  test(
    "a manual that cannot be written is a sentence on stderr and exit code 1",
    { skip: noFullDevice },
    async () => {
      using full = new FullDevice();
      await using run = new Outrigger(["run", "--help"], {}, full.descriptor);
      assert.equal(await run.ended, 1);
      assert.match(run.stderr, NO_SPACE);
    },
  );

  const namespaces = namespaceCommand();
  const skip = "why" in namespaces ? `no network namespaces here: ${namespaces.why}` : false;
  const apart = ["--network", "namespace"];
  for (const [sentence, code, flags, expected] of [
    ["a closed output stops pods in namespaces in order, once; the run ends well", 0, [], 0],
    [
      "pods in namespaces: with --for a failed container is exit code 1, also when nobody reads",
      3,
      ["--for", "10m"],
      1,
    ],
  ] as const) {
    test(sentence, { skip }, async () => {
      using folder = new Folder();
      await using run = new Outrigger(["run", talkers(folder, code, ["one", "two"]), ...apart, ...flags]);
      await run.line(/^one\/web +\| more/);
      await run.line(/^two\/web +\| more/);
      run.process.stdout?.destroy();
      assert.equal(await run.ended, expected, run.stderr);
      for (const name of ["one", "two"]) drained(folder, name);
      assert.equal(
        run.stderr,
        code === 0 ? "" : "failed: pod one (exit code 1)\nfailed: pod two (exit code 1)\n",
      );
    });
  }

  test(
    "a full disk ends pods in namespaces with one sentence on stderr and exit code 1",
    { skip: skip || noFullDevice },
    async () => {
      using folder = new Folder();
      using full = new FullDevice();
      await using run = new Outrigger(
        ["run", talkers(folder, 0, ["one", "two"]), ...apart],
        {},
        full.descriptor,
      );
      assert.equal(await run.ended, 1);
      assert.match(run.stderr, NO_SPACE);
    },
  );

  test("several pods in namespaces end with exit code 1 when one of them failed", { skip }, async () => {
    using folder = new Folder();
    const pod = (name: string, code: number): string =>
      podManifest(
        { restartPolicy: "Never", containers: [nodeContainer("web", `process.exit(${code})`)] },
        { name },
      );
    const file = folder.write("pods.yaml", [pod("good", 0), pod("bad", 7), pod("fine", 0)].join("\n---\n"));
    await using run = new Outrigger(["run", file, ...apart]);
    assert.equal(await run.ended, 1);
    await run.line(/failed: bad\/web exited with code 7$/);
  });
});
