/** What every store promises. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { LeaseStore } from "../election/lease-store.ts";
import { noRedisServer, RedisServer, TestApiServer } from "@outrigger/core/testing";
import { clientOf } from "../testing/api-client.ts";
import { held } from "../testing/lease-record.ts";
import { FileStore } from "./file-store.ts";
import { KubernetesStore } from "./kubernetes-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { RedisStore } from "./redis-store.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-lease-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(scratch, String(folders++), "elections");

const { signal } = new AbortController();

const redis = noRedisServer ? null : await RedisServer.start();
const opened: RedisStore[] = [];
after(async () => {
  for (const store of opened) await store.close();
  await redis?.end();
});

const apiServer = await TestApiServer.start();
after(() => apiServer.stop());
let leases = 0;

/** Each candidate's own access to one lease. */
const STORES: Readonly<Record<string, () => () => LeaseStore>> = {
  memory: () => {
    const store = new MemoryStore();
    return () => store;
  },
  file: () => {
    const folder = fresh();
    return () => new FileStore(folder, "ticker");
  },
  Kubernetes: () => {
    const name = `ticker-${leases++}`;
    return () => new KubernetesStore({ client: clientOf(apiServer), namespace: "default", name });
  },
  Redis: () => {
    const name = `ticker-${opened.length}`;
    return () => {
      const store = new RedisStore((redis as RedisServer).url, name);
      opened.push(store);
      return store;
    };
  },
};

for (const [name, create] of Object.entries(STORES)) {
  describe(`the ${name} store`, { skip: name === "Redis" && noRedisServer }, () => {
    it("has nothing at first, and then what was written last, under another version each time", async () => {
      const store = create()();
      const nothing = await store.read(signal);
      assert.equal(nothing.record, null);
      const first = await store.write(held("a"), nothing, true, signal);
      assert.ok(first);
      assert.deepEqual(await store.read(signal), { record: held("a"), version: first.version });
      const second = await store.write(held("a"), first, false, signal);
      assert.ok(second);
      assert.notEqual(second.version, first.version);
      assert.equal((await store.read(signal)).version, second.version);
    });

    it("writes only over what still stands", async () => {
      const store = create()();
      const nothing = await store.read(signal);
      const first = await store.write(held("a"), nothing, true, signal);
      assert.ok(first);
      assert.equal(await store.write(held("b"), nothing, true, signal), null);
      assert.ok(await store.write(held("a"), first, false, signal));
      assert.equal(await store.write(held("b"), first, true, signal), null);
      assert.equal((await store.read(signal)).record?.holder, "a");
    });

    it("lets one of many win who write at once, and gives each a higher token than all before", async () => {
      const open = create();
      const stores = Array.from({ length: 8 }, open);
      let highest = -1n;
      for (let round = 0; round < 25; round++) {
        const over = await (stores[0] as LeaseStore).read(signal);
        const outcomes = await Promise.all(
          stores.map((store, index) => store.write(held(`c${index}`), over, true, signal)),
        );
        const won = outcomes.filter((outcome) => outcome !== null);
        assert.equal(won.length, 1, `round ${round}`);
        const [{ token, record }] = won as [NonNullable<(typeof won)[0]>];
        assert.ok(token > highest);
        highest = token;
        assert.deepEqual((await (stores[1] as LeaseStore).read(signal)).record, record);
      }
    });

    it("does nothing for who does not wait any more", async () => {
      const store = create()();
      const nothing = await store.read(signal);
      await assert.rejects(store.write(held("a"), nothing, true, AbortSignal.abort()));
      await assert.rejects(store.read(AbortSignal.abort()));
      assert.equal((await store.read(signal)).record, null);
    });
  });
}

describe("the file store", () => {
  it("keeps a few files, however many versions there were", async () => {
    const folder = fresh();
    const store = new FileStore(folder, "ticker");
    for (let count = 0; count < 20; count++)
      assert.ok(await store.write(held("a"), await store.read(signal), true, signal));
    assert.deepEqual(readdirSync(folder).sort(), ["ticker.18.json", "ticker.19.json", "ticker.20.json"]);
  });

  it("does not take a version for new that is past and was removed", async () => {
    const folder = fresh();
    const store = new FileStore(folder, "ticker");
    const old = await store.write(held("a"), await store.read(signal), true, signal);
    assert.ok(old);
    for (let count = 0; count < 9; count++)
      await store.write(held("b"), await store.read(signal), true, signal);
    assert.equal(await store.write(held("a"), old, true, signal), null);
    assert.equal((await store.read(signal)).record?.holder, "b");
    assert.equal(readdirSync(folder).length, 3);
  });

  it("has elections of other names beside it, and files that are none of its", async () => {
    const folder = fresh();
    const [one, other] = [new FileStore(folder, "a"), new FileStore(folder, "a.1")];
    assert.ok(await one.write(held("x"), await one.read(signal), true, signal));
    assert.ok(await other.write(held("y"), await other.read(signal), true, signal));
    writeFileSync(join(folder, "a.999.json.tmp"), "");
    symlinkSync("nowhere", join(folder, "a.link"));
    assert.equal((await one.read(signal)).record?.holder, "x");
    assert.equal((await other.read(signal)).record?.holder, "y");
  });

  it("says what is wrong with a name that is no file's, and with a file that is no lease", async () => {
    for (const name of ["", "../a", "a/b", ".a", "a\0", "ä", "a".repeat(200)])
      assert.throws(() => new FileStore(scratch, name), /an election in a folder is named by letters/, name);
    const folder = fresh();
    const store = new FileStore(folder, "ticker");
    await store.write(held("a"), await store.read(signal), true, signal);
    writeFileSync(join(folder, "ticker.2.json"), '{"holder":1}');
    await assert.rejects(store.read(signal), /a lease file is no lease: \{"holder":1\}/);
    for (const [target, name] of [
      ["nowhere", "ticker.3.json"],
      ["ticker.1.json", "ticker.0004.json"],
    ] as const) {
      symlinkSync(target, join(folder, name));
      await assert.rejects(store.read(signal), { code: "ENOENT" }, name);
    }
  });
});
