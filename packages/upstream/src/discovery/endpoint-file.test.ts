import { VirtualClock } from "@outrigger/core/testing";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { upstreamConfig } from "../config.ts";
import { eventually } from "../testing/eventually.ts";
import { recordingLogger } from "../testing/recording-logger.ts";
import { Upstream } from "../upstream.ts";
import { EndpointFile } from "./endpoint-file.ts";

/** An upstream that watches `path`, on the machine's clock. */
async function watching(context: TestContext, prepare: (folder: string) => Promise<string>) {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-file-"));
  const path = await prepare(folder);
  const log = recordingLogger();
  const upstream = new Upstream("test", upstreamConfig({ discovery: "file", discoveryFile: path }), { log });
  context.after(async () => {
    await upstream.stop();
    await rm(folder, { recursive: true });
  });
  await upstream.start();
  const lists = (...keys: string[]) =>
    eventually(`the endpoints are ${keys.join(", ")}`, () => {
      return upstream.endpoints.map(({ key }) => key).join() === keys.join();
    });
  return { folder, path, upstream, log, lists };
}

async function plain(folder: string): Promise<string> {
  await writeFile(join(folder, "list.yaml"), "- 10.0.0.1:80\n");
  return join(folder, "list.yaml");
}

test("an edit in place is seen, and endpoints that stay are the same objects", async (t) => {
  const { path, upstream, lists } = await watching(t, plain);
  await lists("10.0.0.1:80");
  const stays = upstream.endpoints[0];
  await writeFile(path, "- 10.0.0.1:80\n- 10.0.0.2:80\n");
  await lists("10.0.0.1:80", "10.0.0.2:80");
  assert.equal(upstream.endpoints[0], stays);
  await writeFile(path, "- 10.0.0.3:80\n");
  await lists("10.0.0.3:80");
});

test("a file that replaces it is seen, again and again", async (t) => {
  const { folder, path, lists } = await watching(t, plain);
  for (let i = 2; i < 6; i++) {
    await writeFile(join(folder, "next"), `- 10.0.0.${i}:80\n`);
    await rename(join(folder, "next"), path);
    await lists(`10.0.0.${i}:80`);
  }
});

test("a ConfigMap's swap of its ..data link is seen", async (t) => {
  const publish = async (folder: string, version: string, text: string): Promise<void> => {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "list.yaml"), text);
    await symlink(version, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  const { folder, lists } = await watching(t, async (folder) => {
    await publish(folder, "..1", "- 10.0.0.1:80\n");
    await symlink(join("..data", "list.yaml"), join(folder, "list.yaml"));
    return join(folder, "list.yaml");
  });
  await lists("10.0.0.1:80");
  await publish(folder, "..2", "- 10.0.0.2:80\n");
  await lists("10.0.0.2:80");
});

test("bad content is refused and told once, the old stays, and good content is taken again", async (t) => {
  const { path, upstream, log, lists } = await watching(t, plain);
  await writeFile(path, "- a b:80\n");
  await eventually("it is told", () => log.lines.some((line) => line.startsWith("warn")));
  assert.match(log.lines.join("\n"), /list\.yaml is not used, the endpoints known before are kept/);
  assert.match(
    upstream.describe(0).discovery.notes.join(),
    /list\.yaml is not used as it is: .*neither a DNS name/,
  );
  assert.deepEqual(
    upstream.endpoints.map(({ key }) => key),
    ["10.0.0.1:80"],
  );
  await writeFile(path, "- 10.0.0.2:80\n");
  await lists("10.0.0.2:80");
  assert.equal(log.lines.filter((line) => line.startsWith("warn")).length, 1);
  assert.deepEqual(upstream.describe(0).discovery.notes, []);
});

test("what happens in the folder while the file is read has it read again soon, not at the next poll", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-file-"));
  // The list stands in another folder, so that a change of it is no event of the watched one.
  const list = join(folder, "list.yaml");
  const path = join(folder, "watched", "list.yaml");
  await mkdir(join(folder, "watched"));
  await writeFile(list, "- 10.0.0.1:80\n");
  await symlink(list, path);
  const clock = new VirtualClock();
  const seen: string[] = [];
  const file = new EndpointFile(path, clock, {
    changed([entry]) {
      seen.push(entry?.host ?? "");
      // The old has been read, and is being told.
      writeFileSync(list, "- 10.0.0.2:80\n");
    },
    failed: (reason) => assert.fail(reason),
  });
  t.after(async () => {
    await file.stop();
    await rm(folder, { recursive: true });
  });
  file.start();
  writeFileSync(join(folder, "watched", "neighbour"), "");
  // In its ten seconds it looks at most 2,000 times: the poll after 5 s is never reached.
  await eventually("it is read again", () => {
    clock.advance(2);
    return seen.length === 2;
  });
  assert.deepEqual(seen, ["10.0.0.1", "10.0.0.2"]);
});

test("a file that is not there yet does not stop the start, and is taken when it comes", async (t) => {
  const { path, upstream, log, lists } = await watching(t, async (folder) => join(folder, "later.yaml"));
  assert.equal(upstream.endpoints.length, 0);
  assert.match(log.lines.join("\n"), /warn .*later\.yaml is not used/);
  await writeFile(path, "- 10.0.0.7:80\n");
  await lists("10.0.0.7:80");
});

test("a file that goes away changes nothing", async (t) => {
  const { path, upstream, log } = await watching(t, plain);
  await rm(path);
  await eventually("it is told", () => log.lines.some((line) => line.startsWith("warn")));
  assert.deepEqual(
    upstream.endpoints.map(({ key }) => key),
    ["10.0.0.1:80"],
  );
});

test("a reload may choose another file, or none", async (t) => {
  const { folder, upstream, lists } = await watching(t, plain);
  await writeFile(join(folder, "other.json"), '["10.0.0.8:80"]');
  upstream.update(upstreamConfig({ discovery: "file", discoveryFile: join(folder, "other.json") }));
  await lists("10.0.0.8:80");
  upstream.update(upstreamConfig({ endpoints: ["10.0.0.9:80"] }));
  await lists("10.0.0.9:80");
});
