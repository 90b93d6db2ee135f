/** The elector as a library: several elections, and what a reload does to each. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { eventually, freePort, VirtualClock } from "@outrigger/core/testing";
import { parseLeaderElectorConfig, type LeaderElectorInput } from "./config/config.ts";
import { createLeaderElector, type LeaderElector } from "./leader-elector.ts";
import type { MemoryStore } from "./store/memory-store.ts";
import { httpWorkload, never, rawClient } from "./testing/ports.ts";

const BASE: LeaderElectorInput = { election: "tick", id: "a", store: "memory", http: 0 };
const WITH_TOCK: LeaderElectorInput = {
  ...BASE,
  elections: [{ election: "tock", id: "a", store: "memory" }],
};

const CHANGED = parseLeaderElectorConfig({ ...BASE, id: "b", http: "127.0.0.1:0" });

function create(input: LeaderElectorInput, memory = new Map<string, MemoryStore>()) {
  const clock = new VirtualClock();
  return { clock, memory, elector: createLeaderElector(input, { clock, memory }) };
}

async function setUp(
  context: TestContext,
  input: LeaderElectorInput,
  memory = new Map<string, MemoryStore>(),
) {
  const { clock, elector } = create(input, memory);
  context.after(() => elector.stop());
  await elector.start();
  await clock.advanceAsync(10);
  const tokens = () =>
    ["tick", "tock"].map((name) => elector.elector(name)?.view.token?.toString() ?? "none").join(" ");
  const reload = async (next: LeaderElectorInput): Promise<void> => {
    const reloaded = elector.reload(parseLeaderElectorConfig(next));
    const ended = Promise.allSettled([reloaded]);
    await clock.advanceAsync(10);
    await ended;
    await clock.advanceAsync(10);
    await reloaded;
  };
  const holder = async (name: string): Promise<string | undefined> =>
    (await memory.get(name)?.read(new AbortController().signal))?.record?.holder;
  return { clock, memory, elector, tokens, reload, holder };
}

describe("an elector of several elections", () => {
  it("leads each on its own, and shows them on the probe server and the control server", async (context) => {
    const { elector, tokens } = await setUp(context, WITH_TOCK);
    assert.equal(tokens(), "1 1");
    const page = elector.probePages.get("/isLeader");
    assert.equal(page?.(new URLSearchParams("election=tock")).status, 200);
    assert.match(page?.(new URLSearchParams()).body ?? "", /add \?election= and one of tick, tock/);
    assert.equal(page?.(new URLSearchParams("election=tack")).status, 400);
  });

  it("after a reload goes on undisturbed with what is the same, and gives back what is gone", async (context) => {
    const { tokens, reload, holder } = await setUp(context, WITH_TOCK);
    await reload(BASE);
    assert.equal(tokens(), "1 none");
    assert.equal(await holder("tock"), "");
    await reload(WITH_TOCK);
    assert.equal(tokens(), "1 3", "given back under 2, acquired anew under 3");
  });

  it("gives up an election whose settings change before it takes part under the new ones", async (context) => {
    const { tokens, reload, elector } = await setUp(context, BASE);
    await reload({ ...BASE, id: "b" });
    assert.equal(tokens(), "3 none");
    assert.equal(elector.elector("tick")?.id, "b");
  });

  it("tells Prometheus of an election whose settings have changed, and no more of one that is gone", async (context) => {
    const { reload, elector } = await setUp(context, WITH_TOCK);
    const leads = async () =>
      (await elector.metrics.expose("")).body.match(/^outrigger_election_is_leader\{.*$/gm);
    await leads();
    await reload({ ...BASE, id: "b" });
    assert.deepEqual(await leads(), ['outrigger_election_is_leader{election="tick"} 1']);
  });

  it("lets go who follows an election that was changed, so that he comes again and hears of the new one", async (context) => {
    // It does not lead, so that the reload changes nothing that would be told.
    const { memory } = await setUp(context, { ...BASE, id: "z" });
    const { reload, elector } = await setUp(context, BASE, memory);
    const base = `http://${elector.listeners[0]?.addresses?.[0]}`;
    const stream = await fetch(`${base}/sse`);
    const { changes } = elector.elector("tick") ?? assert.fail();
    const next = context.mock.method(changes, "next");
    const watched = fetch(`${base}/watch?wait=5m&after=${changes.latest}`).then((answer) => answer.json());
    const asked = fetch(`${base}/becomeLeader?wait=5m`, { method: "POST" }).then(({ status }) => status);
    await eventually("both are held", () => next.mock.callCount() === 2);
    await reload({ ...BASE, id: "b" });
    assert.deepEqual([((await watched) as { changes: unknown }).changes, await asked], [[], 409]);
    assert.match(await stream.text(), /event: standing\n.*\ndata: {"name":"z".*}\n\n$/);
  });

  it("that drains while a reload gives an election up waits for that, and takes part in nothing new", async (context) => {
    const { clock, elector, tokens, holder } = await setUp(context, { ...BASE, releaseDelay: "5s" });
    const reloaded = elector.reload(parseLeaderElectorConfig({ ...BASE, id: "b" }));
    await clock.advanceAsync(1_000);
    const [listener] = elector.listeners;
    const graceEnds = new AbortController().signal;
    let drained = false;
    listener?.drainBegins?.(graceEnds, 25_000);
    void listener?.drain(graceEnds).then(() => (drained = true));
    await clock.advanceAsync(3_900);
    assert.deepEqual([drained, await holder("tick")], [false, "a"]);
    await clock.advanceAsync(200);
    await reloaded;
    await clock.advanceAsync(60_000);
    assert.deepEqual([drained, await holder("tick"), tokens()], [true, "", "none none"]);
  });

  const reloadBegins = async (elector: LeaderElector): Promise<void> => {
    const former = elector.elector("tick");
    void elector.reload(CHANGED);
    await eventually("the former ends", () => former?.view.state === "ending");
  };
  const drainBegins = (elector: LeaderElector): void => elector.listeners[0]?.drainBegins?.(never, 8_000);
  for (const [when, steps, part] of [
    ["when it drains", [drainBegins], 4_000],
    ["when a reload gives it up", [reloadBegins], 12_500],
    ["when it drains while a reload gives it up", [reloadBegins, drainBegins], 4_000],
  ] as const)
    it(`leaves half of the time to the duties that end after the first ${when}`, async (context) => {
      let arrived = false;
      const workload = await httpWorkload(() => void (arrived = true));
      context.after(() => workload.close());
      const [forward, gate] = [await freePort(), await freePort()];
      const { clock, elector } = await setUp(context, {
        ...BASE,
        forward: `127.0.0.1:${forward}=http://127.0.0.1:${workload.port}`,
        gate: `127.0.0.1:${gate}=tcp://127.0.0.1:${workload.port}`,
      });
      const client = await rawClient(`127.0.0.1:${forward}`, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
      await eventually("the workload has a request, and answers none", () => arrived);
      for (const step of steps) await step(elector);
      await clock.advanceAsync(part + 100);
      await eventually("it is cut", () => client.state === "reset");
    });

  it("that is stopped while it starts, or reloads, leads no more and leaves nothing open", async (context) => {
    for (const reloads of [false, true]) {
      const { clock, memory, elector } = reloads ? await setUp(context, BASE) : create(BASE);
      context.after(() => elector.stop());
      const begun = reloads ? elector.reload(CHANGED) : elector.start();
      await elector.stop();
      const version = async (): Promise<string> => (await memory.get("tick")?.read(never))?.version ?? "0";
      const before = await version();
      await clock.advanceAsync(60_000);
      await begun;
      await clock.advanceAsync(60_000);
      assert.equal(await version(), before);
      assert.deepEqual([elector.listeners[0]?.addresses, clock.pendingTimers], [[], 0]);
    }
  });

  it("that is stopped while a reload waits for a releaseDelay waits for that no longer", async (context) => {
    for (const waits of [true, false]) {
      const { clock, elector } = await setUp(context, { ...BASE, releaseDelay: "20s" });
      const former = elector.elector("tick");
      const reloaded = elector.reload(CHANGED);
      if (waits) await eventually("the former ends", () => former?.view.state === "ending");
      await elector.stop();
      await reloaded;
      assert.deepEqual([elector.listeners[0]?.addresses, clock.pendingTimers], [[], 0]);
    }
  });

  it("that cannot start leaves nothing open", async () => {
    const { clock, elector } = create({ ...BASE, child: "no-such-command" });
    await assert.rejects(elector.start(), /no-such-command/);
    assert.deepEqual([elector.listeners[0]?.addresses, clock.pendingTimers], [[], 0]);
  });

  it("goes on as before when what is new cannot start", async (context) => {
    const { reload, elector, tokens, holder } = await setUp(context, WITH_TOCK);
    const before = elector.listeners[0]?.addresses;
    const wanted = { ...WITH_TOCK, id: "b", http: "127.0.0.1:0", child: "no-such-command" };
    await assert.rejects(reload(wanted), /no-such-command/);
    assert.deepEqual([await holder("tick"), await holder("tock")], ["a", "a"]);
    assert.equal(tokens(), "3 1");
    assert.deepEqual(elector.listeners[0]?.addresses, before);
    await reload({ ...WITH_TOCK, id: "c" });
    assert.equal(tokens(), "5 1");
  });

  it("moves its HTTP API when that is elsewhere, and stays where it is when the new one cannot be had", async (context) => {
    const { elector, reload } = await setUp(context, BASE);
    const where = (): string => elector.listeners[0]?.addresses?.[0] ?? "";
    const before = where();
    await reload({ ...BASE, http: "127.0.0.1:0" });
    const moved = where();
    assert.notEqual(moved, before);
    assert.equal((await fetch(`http://${moved}/isLeader`)).status, 200);
    await assert.rejects(fetch(`http://${before}/isLeader`));
    const taken = Number(moved.split(":").at(-1));
    const another = createLeaderElector({ ...BASE, id: "c" });
    context.after(() => another.stop());
    await another.start();
    const wanted = parseLeaderElectorConfig({ ...BASE, id: "c", http: `127.0.0.1:${taken}` });
    await assert.rejects(another.reload(wanted), /is taken by another process: choose another with --http/);
    assert.equal((await fetch(`http://${another.listeners[0]?.addresses?.[0]}/leader`)).status, 200);
  });

  it("is not reloaded before it was started, nor after it was stopped, and starts once", async (context) => {
    const { elector } = await setUp(context, BASE);
    await assert.rejects(elector.start(), { code: "already-started" });
    await elector.stop();
    await assert.rejects(elector.reload(parseLeaderElectorConfig(BASE)), { code: "not-started" });
  });

  it("opens nothing when one of its elections cannot be", async () => {
    const surroundings = {
      env: {},
      read: () => null,
      hostname: () => "here",
      random: () => "1",
      addresses: () => [],
    };
    const elector = createLeaderElector(
      { ...BASE, elections: [{ election: "tock", store: "auto" }] },
      { surroundings },
    );
    await assert.rejects(elector.start(), { code: "no-store" });
    assert.deepEqual(elector.listeners[0]?.addresses, []);
  });
});
