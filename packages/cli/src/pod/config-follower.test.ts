import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually, Folder } from "../testing/outrigger.ts";
import { ConfigFollower } from "./config-follower.ts";
import type { PodPlan } from "./plan.ts";
import { Pod } from "./pod.ts";
import { createVolume, type ProjectedFile, type Volume } from "./volume.ts";

/** A file for which there is no room: what the device says when it is to be written. */
const unwritable = {
  path: "much",
  mode: 0o644,
  get content(): Buffer {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  },
};
const NO_ROOM = `the temporary folder ${tmpdir()}: there is no space left on its device; a run keeps its volumes there: make room there, or set TMPDIR to a folder that has some`;

const confWith = (folder: Folder, file: ProjectedFile): Volume => ({
  name: "conf",
  folder: join(folder.path, "conf"),
  files: [file],
  secret: false,
  given: false,
});
const podWith = (folder: Folder, volume: Volume): PodPlan => ({
  id: "a/Pod/x",
  label: "x",
  name: "x",
  kind: "Pod",
  folder: folder.path,
  volumes: [volume],
  init: [],
  main: [],
  grace: 0,
  deadline: undefined,
  notHonoured: [],
});

test("a volume for which there is no room keeps the content that it had, and the folder and the remedy are said", async () => {
  using folder = new Folder();
  const volume = confWith(folder, { path: "who", content: Buffer.from("before"), mode: 0o644 });
  await createVolume(volume);
  const entries = readdirSync(volume.folder);
  const file = folder.write("pod.yaml", "before");
  const clock = new VirtualClock();
  const said: string[] = [];
  const follower = new ConfigFollower([file], [podWith(folder, volume)], {
    clock,
    plan: () => [
      podWith(folder, {
        ...volume,
        files: [{ path: "who", content: Buffer.from("after"), mode: 0o644 }, unwritable],
      }),
    ],
    say: (_, message) => said.push(message),
  });
  follower.start();
  folder.write("pod.yaml", "after, and longer");
  await clock.advanceAsync(1000);
  await eventually("it has been tried", () => said.length > 0);
  follower.stop();
  assert.deepEqual(said, [`a changed volume could not be written: ${NO_ROOM}`]);
  assert.equal(readFileSync(join(volume.folder, "who"), "utf8"), "before");
  assert.deepEqual(readdirSync(volume.folder), entries);
});

test("a pod for whose volumes there is no room does not start, and says the folder and the remedy", async () => {
  using folder = new Folder();
  const pod = new Pod(podWith(folder, confWith(folder, unwritable)), {
    clock: new VirtualClock(),
    backOffBase: 0,
    watcher: { started: () => {}, ended: () => {} },
    output: () => {},
    say: () => {},
    beforeSidecarsStop: () => Promise.resolve(),
  });
  await assert.rejects(pod.run(), { code: "no-temporary-folder", message: NO_ROOM });
});

test("a pod's files follow the pod, in whatever order the documents stand", async () => {
  using folder = new Folder();
  const plan = (id: string, name: string, text: string): PodPlan => {
    const own = join(folder.path, id.replaceAll("/", "_"));
    const volume = confWith(folder, { path: "who", content: Buffer.from(text), mode: 0o644 });
    return {
      ...podWith(folder, { ...volume, folder: join(own, "conf") }),
      id,
      label: id,
      name,
      folder: own,
    };
  };
  // Two pods of one name among them: the name alone does not tell them apart either.
  const before = [plan("a/Pod/x", "x", "ax"), plan("b/Pod/x", "x", "bx"), plan("a/Pod/y", "y", "ay")];
  const after = [plan("a/Pod/y", "y", "ay2"), plan("b/Pod/x", "x", "bx2"), plan("a/Pod/x", "x", "ax2")];
  for (const { volumes } of before) for (const volume of volumes) await createVolume(volume);
  const file = folder.write("pod.yaml", "before");
  const clock = new VirtualClock();
  const said: string[] = [];
  const follower = new ConfigFollower([file], before, {
    clock,
    plan: () => after,
    say: (_, message) => said.push(message),
  });
  follower.start();
  folder.write("pod.yaml", "after, and longer");
  await clock.advanceAsync(1000);
  await eventually("three volumes are new", () => said.length >= 3);
  follower.stop();
  for (const [id, text] of [
    ["a_Pod_x", "ax2"],
    ["b_Pod_x", "bx2"],
    ["a_Pod_y", "ay2"],
  ] as const) {
    assert.equal(readFileSync(join(folder.path, id, "conf", "who"), "utf8"), text);
  }
  assert.equal(said.filter((message) => /run it again/.test(message)).length, 0, said.join("\n"));
});
