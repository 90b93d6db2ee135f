import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually, Folder } from "../testing/outrigger.ts";
import { ConfigFollower } from "./config-follower.ts";
import type { PodPlan } from "./plan.ts";
import { createVolume } from "./volume.ts";

test("a pod's files follow the pod, in whatever order the documents stand", async () => {
  using folder = new Folder();
  const plan = (id: string, name: string, text: string): PodPlan => ({
    id,
    label: id,
    name,
    kind: "Pod",
    folder: join(folder.path, id.replaceAll("/", "_")),
    volumes: [
      {
        name: "conf",
        folder: join(folder.path, id.replaceAll("/", "_"), "conf"),
        files: [{ path: "who", content: Buffer.from(text), mode: 0o644 }],
        secret: false,
        given: false,
      },
    ],
    init: [],
    main: [],
    grace: 0,
    deadline: undefined,
    notHonoured: [],
  });
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
