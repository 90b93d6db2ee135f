/** The HTTP API over real sockets, before elections in memory, on a clock that tests move. */
import assert from "node:assert/strict";
import { request, type IncomingHttpHeaders } from "node:http";
import { networkInterfaces } from "node:os";
import { describe, it, type TestContext } from "node:test";
import type { Clock } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { createLeaderElector, type LeaderElector } from "../leader-elector.ts";
import type { LeaderElectorInput } from "../config/config.ts";
import { MemoryStore } from "../store/memory-store.ts";

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

interface Replica {
  readonly elector: LeaderElector;
  /** It was stopped for so long: time has passed, and nothing of it ran. */
  readonly paused: { ahead: number };
  readonly port: number;
  ask(path: string, method?: string, headers?: Record<string, string>): Promise<Answer>;
}

async function setUp(context: TestContext, ids: readonly string[], input: Partial<LeaderElectorInput> = {}) {
  const clock = new VirtualClock(50_000);
  const memory = new Map<string, MemoryStore>();
  const replicas: Replica[] = [];
  for (const id of ids) {
    const paused = { ahead: 0 };
    const own: Clock = {
      now: () => clock.now() + paused.ahead,
      wallTime: () => clock.wallTime(),
      timer: (delay, fire) => clock.timer(delay, fire),
      sleep: (delay, signal) => clock.sleep(delay, signal),
    };
    const elector = createLeaderElector(
      { election: "tick", id, store: "memory", http: 0, ...input },
      { clock: own, memory },
    );
    context.after(() => elector.stop());
    await elector.start();
    await clock.advanceAsync(10);
    const port = Number(/:(\d+)$/.exec(elector.listeners[0]?.addresses?.[0] ?? "")?.[1]);
    const ask = (path: string, method = "GET", headers: Record<string, string> = {}): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          { host: "127.0.0.1", port, path, method, headers, agent: false },
          (incoming) => {
            let text = "";
            incoming.setEncoding("utf8").on("data", (part: string) => (text += part));
            incoming.on("end", () => {
              const json = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
              resolve({ status: incoming.statusCode, headers: incoming.headers, text, json });
            });
          },
        );
        outgoing.on("error", reject).end();
      });
    replicas.push({ elector, paused, port, ask });
  }
  return { clock, memory, replicas: replicas as [Replica, ...Replica[]] };
}

/** The answer to what is held: time passes until it comes. */
async function held(clock: VirtualClock, asked: Promise<Answer>): Promise<Answer> {
  let answer: Answer | null = null;
  void asked.then((came) => (answer = came));
  while (answer === null) await clock.advanceAsync(10);
  return answer;
}

describe("the HTTP API", () => {
  it("names the leader as the retired image did, and on the others, too", async (context) => {
    const { replicas } = await setUp(context, ["a", "b"]);
    for (const { ask } of replicas) {
      const { status, text, headers } = await ask("/");
      assert.deepEqual([status, text], [200, `{"name":"a"}\n`]);
      assert.equal(headers["cache-control"], "no-store");
    }
  });

  it("has the own name where the retired image's workloads look for it only as long as they may act", async (context) => {
    const { replicas, clock } = await setUp(context, ["a"], { releaseDelay: "5s" });
    const [{ ask }] = replicas;
    await ask("/resign", "POST");
    assert.equal((await ask("/leader")).json["state"], "ending");
    assert.equal((await ask("/")).text, `{"name":""}\n`);
    await clock.advanceAsync(30_000);
    assert.equal((await ask("/")).text, `{"name":"a"}\n`);
  });

  it("tells all that is known of a leadership, each time anew", async (context) => {
    const { replicas, clock } = await setUp(context, ["a", "b"]);
    const [{ ask }, other] = replicas as [Replica, Replica];
    await clock.advanceAsync(1_000);
    const { status, json } = await ask("/leader");
    assert.equal(status, 200);
    assert.deepEqual(json, {
      name: "a",
      isLeader: true,
      token: 1,
      election: "tick",
      id: "a",
      acquiredAt: "2026-01-01T00:00:00.000Z",
      renewedAt: "2026-01-01T00:00:00.000Z",
      expiresInMs: 8_980,
      address: null,
      state: "leading",
      heldBack: [],
    });
    await clock.advanceAsync(1_500);
    const later = (await other.ask("/leader")).json;
    assert.deepEqual(
      [later["name"], later["isLeader"], later["token"], later["state"], later["renewedAt"]],
      ["a", false, null, "standby", "2026-01-01T00:00:02.001Z"],
    );
  });

  it("answers whether it leads with 200 or 409, also to HEAD", async (context) => {
    const { replicas } = await setUp(context, ["a", "b"]);
    const [leader, other] = replicas as [Replica, Replica];
    assert.deepEqual(
      [(await leader.ask("/isLeader")).status, (await other.ask("/isLeader")).status],
      [200, 409],
    );
    const { status, text } = await other.ask("/isLeader", "HEAD");
    assert.deepEqual([status, text], [409, ""]);
  });

  it("after a pause says no to the first question, before any timer has run", async (context) => {
    const { replicas } = await setUp(context, ["a"]);
    const [{ ask, paused }] = replicas;
    assert.equal((await ask("/isLeader")).status, 200);
    const { after } = (await ask("/watch")).json as { after: string };
    paused.ahead = 10_000;
    const missed = (await ask(`/watch?after=${after}&wait=0s`)).json["changes"] as { isLeader: boolean }[];
    assert.deepEqual([missed[0]?.isLeader, missed.length], [false, 1]);
    const { status, json } = await ask("/isLeader");
    assert.deepEqual([status, json["isLeader"], json["token"], json["name"]], [409, false, null, null]);
    assert.equal((await ask("/")).text, `{"name":""}\n`);
  });

  it("writes a token of more digits than a double has", async (context) => {
    const { memory, replicas } = await setUp(context, []);
    assert.equal(replicas.length, 0);
    memory.set("tick", new MemoryStore());
    const big = 2n ** 62n + 1n;
    const store = memory.get("tick") as MemoryStore;
    const write = store.write.bind(store);
    store.write = async (...args) => {
      const written = await write(...args);
      return written && { ...written, token: big };
    };
    const clock = new VirtualClock();
    const elector = createLeaderElector(
      { election: "tick", id: "a", store: "memory", http: 0 },
      { clock, memory },
    );
    context.after(() => elector.stop());
    await elector.start();
    await clock.advanceAsync(10);
    assert.match(
      elector.probePages.get("/isLeader")?.(new URLSearchParams()).body ?? "",
      /"token":4611686018427387905,/,
    );
  });

  it("holds a watch until something changes, and gives what came after an id at once", async (context) => {
    const { replicas, clock } = await setUp(context, ["a", "b"]);
    const [leader, other] = replicas as [Replica, Replica];
    const first = (await other.ask("/watch")).json;
    assert.deepEqual(first["changes"], []);
    const after = String(first["after"]);
    const watched = other.ask(`/watch?after=${after}`);
    await leader.elector.elector("tick")?.resign();
    const { json } = await held(clock, watched);
    await clock.advanceAsync(2_500);
    assert.equal(json["complete"], true);
    const again = (await other.ask(`/watch?after=${after}`)).json;
    const names = (again["changes"] as { name: string | null; isLeader: boolean }[]).map(
      ({ name, isLeader }) => `${name} ${isLeader}`,
    );
    assert.deepEqual([names[0], names.at(-1)], ["null false", "b true"]);
    assert.deepEqual((await other.ask(`/watch?after=${String(again["after"])}&wait=0s`)).json["changes"], []);
    const strange = (await other.ask("/watch?after=ffff-1")).json;
    assert.equal(strange["complete"], false);
  });

  it("tells at once who comes with an id of another life how it stands, also where nothing has changed in this one", async (context) => {
    const { replicas } = await setUp(context, ["a"], { campaign: "on-request" });
    const { json } = await replicas[0].ask("/watch?after=ffff-1");
    assert.deepEqual([json["complete"], json["changes"]], [false, []]);
  });

  it("lets a watch go when its time is up, with no change", async (context) => {
    const { replicas, clock } = await setUp(context, ["a"]);
    const [{ ask }] = replicas;
    const { after } = (await ask("/watch")).json as { after: string };
    const asked = clock.now();
    const answer = await held(clock, ask(`/watch?after=${after}&wait=5s`));
    assert.ok(clock.now() - asked >= 5_000);
    assert.deepEqual([answer.status, answer.json["changes"], answer.json["after"]], [200, [], after]);
  });

  it("streams how it stands, then each change, and to who comes again what he has missed", async (context) => {
    const { replicas, clock } = await setUp(context, ["a", "b"]);
    const [leader, other] = replicas as [Replica, Replica];
    const read = (headers: Record<string, string>) => {
      let text = "";
      const lines = { text: () => text, close: () => {} };
      const outgoing = request(
        { host: "127.0.0.1", port: other.port, path: "/sse", headers, agent: false },
        (incoming) =>
          incoming
            .setEncoding("utf8")
            .on("data", (part: string) => (text += part))
            .on("error", () => {}),
      );
      outgoing.on("error", () => {}).end();
      lines.close = () => outgoing.destroy();
      context.after(lines.close);
      return lines;
    };
    const has = async (stream: { text(): string }, pattern: RegExp): Promise<RegExpExecArray> => {
      for (let turn = 0; turn < 100_000; turn++) {
        const match = pattern.exec(stream.text());
        if (match) return match;
        await new Promise((resolve) => setImmediate(resolve));
      }
      throw assert.fail(`never ${String(pattern)}: ${stream.text()}`);
    };
    const stream = read({});
    const [, id = ""] = await has(stream, /event: standing\nid: (\S+)\ndata: {"name":"a","isLeader":false/);
    await leader.elector.elector("tick")?.resign();
    await clock.advanceAsync(2_500);
    await has(
      stream,
      /event: change\nid: \S+\ndata: {"name":null,"isLeader":false[^]*"name":"b","isLeader":true,"token":\d/,
    );
    stream.close();
    const again = read({ "last-event-id": id });
    await has(
      again,
      /"name":null[^]*event: change\n[^]*"isLeader":true[^]*event: standing\n[^]*"name":"b","isLeader":true/,
    );
  });

  it("lets a reader go who does not read, and keeps no more of it than its buffer", async (context) => {
    const { replicas } = await setUp(context, ["a"]);
    const [{ elector, port }] = replicas;
    const stream = await fetch(`http://127.0.0.1:${port}/sse`);
    const { changes, view } = elector.elector("tick") ?? assert.fail();
    for (let n = 0; n < 1_000; n++) changes.add(view);
    await assert.rejects(stream.text(), /terminated/);
  });

  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;

  it(
    "tells whoever reaches it, and lets only this pod act",
    { skip: own === undefined && "this machine has no address but its loopback" },
    async (context) => {
      const { replicas } = await setUp(context, ["a"], { http: "0.0.0.0:0" });
      const base = `http://${own}:${replicas[0].port}`;
      assert.equal((await fetch(`${base}/isLeader`)).status, 200);
      const refused = await fetch(`${base}/resign`, { method: "POST" });
      assert.deepEqual([refused.status, (await replicas[0].ask("/isLeader")).status], [403, 200]);
    },
  );

  it("has the paper's verbs: a workload becomes leader, renews, and resigns when its work is done", async (context) => {
    const { replicas, clock } = await setUp(context, ["a", "b"], { campaign: "on-request" });
    const [one, other] = replicas as [Replica, Replica];
    assert.equal((await one.ask("/renewLeadership", "POST")).status, 409);
    assert.equal((await one.ask("/resign", "POST")).status, 409);
    const became = await held(clock, one.ask("/becomeLeader?wait=1m", "POST"));
    assert.deepEqual([became.status, became.json["isLeader"]], [200, true]);
    assert.equal((await other.ask("/becomeLeader", "POST")).status, 409);
    assert.equal((await one.ask("/renewLeadership", "POST")).status, 200);
    const resigned = await one.ask("/resign?wait=drained", "POST");
    assert.deepEqual([resigned.status, resigned.json["isLeader"], resigned.json["name"]], [200, false, null]);
    await clock.advanceAsync(3_000);
    assert.equal((await other.ask("/isLeader")).status, 200);
    assert.deepEqual((await one.ask("/leader")).json["heldBack"], ["unasked"]);
  });

  it("answers a resignation that is not waited for with 202", async (context) => {
    const { replicas } = await setUp(context, ["a"]);
    const { status, json } = await replicas[0].ask("/resign", "POST");
    assert.deepEqual([status, json["isLeader"]], [202, false]);
  });

  it("says what was wrong with a request, and what there is", async (context) => {
    const { replicas } = await setUp(context, ["a"], {
      elections: [{ election: "tock", id: "a", store: "memory" }],
    });
    const [{ ask }] = replicas;
    const error = async (path: string, method = "GET", headers = {}) => {
      const { status, json } = await ask(path, method, headers);
      return `${status} ${String(json["error"])}`;
    };
    assert.match(await error("/leaders"), /^404 there is no \/leaders \(did you mean \/leader\?\).*\/watch/);
    assert.match(await error("/leader", "POST"), /^405 \/leader takes GET and HEAD$/);
    assert.match(await error("/resign?election=tick"), /^405 \/resign takes POST$/);
    assert.match(
      await error("/leader"),
      /^400 there are several elections: add \?election= and one of tick, tock$/,
    );
    assert.match(
      await error("/leader?election=tik"),
      /^400 there is no election "tik" \(did you mean tick\?\)/,
    );
    assert.match(await error("/watch?election=tick&after=x&wait=5"), /^400 wait: .*at most/);
    assert.match(await error("/resign?election=tick&wait=yes", "POST"), /^400 wait="yes": accepted: drained/);
    for (const page of [{ origin: "http://evil.example" }, { "sec-fetch-site": "cross-site" }])
      assert.match(
        await error("/resign?election=tick", "POST", page),
        /^403 what acts is not for web pages$/,
      );
    assert.equal((await ask("/isLeader?election=tock")).status, 200, "nobody resigned");
    assert.equal((await ask("/isLeader?election=tick")).status, 200, "nobody resigned");
    assert.equal((await ask("/__proto__?election=tick")).status, 404);
  });
});
