import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { systemClock, type Clock } from "../time/clock.ts";
import { TestApiServer } from "../testing/index.ts";
import { KubernetesClient } from "./client.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "./objects.ts";
import { WatchList } from "./watch-list.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const slice = (name: string, service = "web"): EndpointSlice => ({
  metadata: { name, labels: { "kubernetes.io/service-name": service } },
  addressType: "IPv4",
});

async function setup() {
  const server = await TestApiServer.start();
  // Pauses take a turn of the loop, and no watch lasts, however slow the machine is, unless `pass` says so.
  const pauses: number[] = [];
  let now = 0;
  const pass = (span: number): void => void (now += span);
  /** Watches that the client has seen taken: it begins to listen for their silence. */
  let taken = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => now,
    timer(delay, fire, options) {
      if (delay === 90_000) taken++;
      return systemClock.timer(delay, fire, options);
    },
    sleep: async (span: number) => {
      pauses.push(span);
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
  const client = new KubernetesClient({
    access: {
      server: new URL(server.url),
      namespace: "default",
      serverName: null,
      insecure: false,
      source: "the test",
      credentials: async () => ({ token: null, ca: null, cert: null, key: null }),
      refused: () => {},
    },
    clock,
  });
  const told: string[] = [];
  let wake = (): void => {};
  const tell = (text: string): void => {
    told.push(text);
    wake();
  };
  const list = new WatchList(
    client,
    ENDPOINT_SLICES,
    "default",
    { labelSelector: "kubernetes.io/service-name=web" },
    {
      changed: (objects) => tell([...objects.keys()].sort().join()),
      failed: ({ code }) => tell(code),
      recovered: () => tell("recovered"),
    },
    { clock, random: () => 0.5 },
  );
  closing.push(
    () => server.stop(),
    () => client.close(),
    () => list.stop(),
  );
  /** Resolves when so much was told in all. */
  const until = async (count: number): Promise<void> => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const { store, watches } = server;
  const put = (name: string, service?: string) =>
    store.create(ENDPOINT_SLICES, "default", slice(name, service));
  const remove = (name: string) => store.remove(ENDPOINT_SLICES, "default", name);
  const watched = async (): Promise<void> => {
    while (watches.count === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const takenTimes = async (all: number): Promise<void> => {
    while (taken < all) await new Promise((resolve) => setImmediate(resolve));
  };
  return { server, store, watches, list, told, until, put, remove, watched, takenTimes, pauses, pass };
}

describe("a watched list", () => {
  it("has what is there at first, also nothing, and then every change", async () => {
    const { list, told, until, put, remove } = await setup();
    list.start();
    await until(1);
    put("a");
    put("other", "db");
    await until(2);
    put("b");
    await until(3);
    remove("a");
    await until(4);
    assert.deepEqual(told, ["", "a", "a,b", "b"]);
    assert.deepEqual([...list.objects.keys()], ["b"]);
  });

  it("goes on where a watch has ended, and misses nothing that came in between", async () => {
    const { server, watches, list, told, until, put, watched } = await setup();
    list.start();
    await until(1);
    await watched();
    watches.end();
    put("a");
    await until(2);
    assert.deepEqual(told, ["", "a"]);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 1);
  });

  it("goes on from a bookmark after all else was forgotten", async () => {
    const { server, store, watches, list, told, until, put, watched } = await setup();
    list.start();
    await until(1);
    await watched();
    put("a");
    await until(2);
    for (let index = 0; index < 5; index++) put(`other${index}`, "db");
    watches.bookmark();
    store.compact();
    watches.end();
    put("b");
    await until(3);
    assert.deepEqual(told, ["", "a", "a,b"]);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 1);
  });

  for (const goneAs of ["event", "status"] as const)
    it(`lists again what it has missed when that was forgotten (410 as ${goneAs}), deletions too`, async () => {
      const { server, store, watches, list, told, until, put, remove, watched } = await setup();
      server.goneAs = goneAs;
      put("a");
      put("b");
      list.start();
      await until(1);
      await watched();
      watches.end();
      remove("a");
      put("c");
      store.compact();
      await until(2);
      assert.deepEqual(told, ["a,b", "b,c"]);
    });

  it("tells nothing for a repeated list in which nothing is new", async () => {
    const { server, store, watches, list, told, until, put, watched } = await setup();
    put("a");
    list.start();
    await until(1);
    await watched();
    watches.end();
    put("other", "db");
    store.compact();
    await watched();
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 2);
    assert.deepEqual(told, ["a"]);
  });

  it("keeps what it knows while the server fails, says so once, and comes back", async () => {
    const { server, list, told, until, put, watches, watched } = await setup();
    put("a");
    list.start();
    await until(1);
    await watched();
    server.order({ kind: "answer", code: 503 }, "watch", 5);
    watches.break();
    await until(3);
    assert.deepEqual([...list.objects.keys()], ["a"]);
    await watched();
    put("b");
    await until(told.length + 2);
    assert.deepEqual(told, ["a", "kubernetes-unavailable", "kubernetes-unavailable", "recovered", "a,b"]);
    assert.equal(list.failure, null);
  });

  it("works again as soon as a watch is taken, though nothing has changed", async () => {
    const { server, list, told, until, put, watches, watched } = await setup();
    put("a");
    list.start();
    await until(1);
    await watched();
    server.order({ kind: "answer", code: 503 }, "watch");
    watches.break();
    await until(4);
    assert.deepEqual(told, ["a", "kubernetes-unavailable", "kubernetes-unavailable", "recovered"]);
  });

  it("does not list again when it is put off: that would be dearer for the server than what it put off", async () => {
    const { server, list, told, until, put, watches, watched } = await setup();
    put("a");
    list.start();
    await until(1);
    await watched();
    server.order({ kind: "answer", code: 429, retryAfter: 1 }, "watch", 3);
    watches.end();
    await until(2);
    await watched();
    put("b");
    await until(4);
    assert.deepEqual(told, ["a", "kubernetes-too-many-requests", "recovered", "a,b"]);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 1);
  });

  it("lists again after what it did not understand", async () => {
    const { server, list, told, until, put, watches, watched } = await setup();
    put("a");
    list.start();
    await until(1);
    await watched();
    watches.write('{"type":"ADDED","object":{"metadata":{"name":"x","resourceVersion":"9"}}}\n');
    await until(3);
    put("b");
    await until(4);
    assert.deepEqual(told, ["a", "kubernetes-unexpected", "recovered", "a,b"]);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 2);
  });

  it("waits longer and longer for a server that ends each watch at once", async () => {
    const { server, list, until, watches, watched, pauses } = await setup();
    list.start();
    await until(1);
    for (let round = 0; round < 6; round++) {
      await watched();
      watches.end();
    }
    await watched();
    assert.ok(pauses.length >= 6, String(pauses.length));
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 1);
  });

  it("goes on at once, without a word, where what is quiet for long is cut on the way", async () => {
    const { server, list, told, until, put, watches, takenTimes, pauses, pass } = await setup();
    list.start();
    for (let round = 1; round <= 6; round++) {
      await takenTimes(round);
      pass(35_000);
      if (round % 2 > 0) watches.break();
      else watches.end();
    }
    await takenTimes(7);
    put("a");
    await until(2);
    assert.deepEqual(told, ["", "a"]);
    assert.deepEqual(pauses, []);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 1);
  });

  it("waits longer and longer where the server is away after a watch that lasted, and anew after the next", async () => {
    const { server, list, watches, takenTimes, pauses, pass } = await setup();
    list.start();
    await takenTimes(1);
    for (const round of [1, 2]) {
      server.order({ kind: "answer", code: 503 }, "watch", 4);
      pass(35_000);
      watches.break();
      await takenTimes(round + 1);
    }
    assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 250, 500, 1_000, 2_000]);
  });

  it("lists again when it is told after long that it is too late (410)", async () => {
    const { server, list, watches, takenTimes, pass } = await setup();
    list.start();
    await takenTimes(1);
    pass(35_000);
    const object = { kind: "Status", status: "Failure", code: 410, reason: "Expired", message: "too old" };
    watches.write(`${JSON.stringify({ type: "ERROR", object })}\n`);
    await takenTimes(2);
    assert.equal(server.requests.filter(({ verb }) => verb === "list").length, 2);
  });

  it("leaves nothing behind when it is stopped", async () => {
    const { list, until, put, told, watches, watched } = await setup();
    list.start();
    await until(1);
    await watched();
    await list.stop();
    put("late");
    while (watches.count > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(told, [""]);
  });
});
