/** From any replica to the leader, and to nobody else. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { eventually, freePort, VirtualClock } from "@outrigger/core/testing";
import {
  ask,
  depsOf,
  httpWorkload,
  LOOPBACK,
  never,
  rawClient,
  termOf,
  type Workload,
} from "../testing/ports.ts";
import { ForwardPort, type ForwardPortOptions } from "./forward-port.ts";

interface Replica extends AsyncDisposable {
  readonly id: string;
  readonly port: ForwardPort;
  readonly workload: Workload;
  readonly seen: IncomingHttpHeaders[];
  readonly address: string;
  readonly deps: ReturnType<typeof depsOf>;
}

/** A forward port beside a workload that answers with its replica's name. */
async function replica(
  id: string,
  options: Partial<ForwardPortOptions> & {
    clock?: VirtualClock;
    serve?: (response: ServerResponse) => void;
  } = {},
): Promise<Replica> {
  const { clock, serve = (response: ServerResponse) => response.end(id), ...rest } = options;
  const seen: IncomingHttpHeaders[] = [];
  const workload = await httpWorkload(
    (request, response) => {
      seen.push(request.headers);
      serve(response);
    },
    (request, socket) => {
      seen.push(request.headers);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.on("data", (chunk: Buffer) => socket.write(`${id}:${chunk.toString()}`));
      socket.on("end", () => socket.end());
    },
  );
  const deps = depsOf(clock);
  const port = new ForwardPort({ listen: LOOPBACK, workload, id, retryFor: 0, ...rest }, deps);
  await port.start();
  const [address] = port.addresses;
  assert.ok(address !== undefined);
  return {
    id,
    port,
    workload,
    seen,
    address,
    deps,
    async [Symbol.asyncDispose]() {
      await port.stop();
      workload.close();
    },
  };
}

const reason = ({ headers }: { headers: IncomingHttpHeaders }): unknown => headers["x-outrigger-reason"];
const WEBSOCKET =
  "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Outrigger-Token: 99\r\n\r\n";

describe("the forward port", () => {
  it("answers 503 with Retry-After and the reason while nobody leads", async () => {
    await using a = await replica("a");
    const answer = await ask(a.address);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["retry-after"], "1");
    assert.equal((JSON.parse(answer.body) as { reason: string }).reason, "no-leader");
    assert.equal(a.seen.length, 0);
    assert.match(await a.deps.text(), /outrigger_forward_requests_total\{to="none",outcome="no-leader"\} 1/);
  });

  it("sends a request to the workload beside it while it leads, with the true token and the leader's id in place of all forged ones", async () => {
    await using a = await replica("a");
    await a.port.begin(termOf("a", 41n));
    const answer = await ask(a.address, {
      headers: {
        "X-OUTRIGGER-TOKEN": ["98", "99"],
        x_outrigger_token: "97",
        "X-Outrigger_Leader": "mallory",
        "x-outrigger-leader": "mallory",
        "x-outrigger-hop": "1",
        x_outrigger_hop: "1",
        "x-other": "kept",
      },
    });
    assert.equal(answer.body, "a");
    const [got] = a.seen;
    assert.equal(got?.["x-outrigger-token"], "41");
    assert.equal(got?.["x-outrigger-leader"], "a");
    assert.equal(got?.["x-other"], "kept");
    const ours = Object.keys(got ?? {}).filter((name) => /x.outrigger/.test(name));
    assert.deepEqual(ours.sort(), ["x-outrigger-leader", "x-outrigger-token"]);
    assert.match(await a.deps.text(), /outrigger_forward_requests_total\{to="self",outcome="answered"\} 1/);
  });

  it("sends it on to the leader from elsewhere, whose workload gets the leader's token", async () => {
    await using a = await replica("a");
    await using b = await replica("b");
    await a.port.begin(termOf("a", 5n));
    b.port.follow({ id: "a", address: a.address });
    const answer = await ask(b.address, {
      method: "POST",
      body: "work",
      headers: { "x-outrigger-token": "6" },
    });
    assert.equal(answer.body, "a");
    assert.equal(a.seen[0]?.["x-outrigger-token"], "5");
    assert.equal(a.seen[0]?.["x-forwarded-for"], "127.0.0.1, 127.0.0.1");
    assert.equal(b.seen.length, 0);
  });

  it("asks for belief at each request: a process that was paused past its term serves nothing", async () => {
    await using a = await replica("a");
    const term = termOf("a");
    await a.port.begin(term);
    assert.equal((await ask(a.address)).status, 200);
    term.isLeading = false;
    a.port.follow({ id: "a", address: a.address });
    assert.equal(reason(await ask(a.address)), "no-leader");
    assert.equal(a.seen.length, 1);
  });

  it("asks for it once more when it has a connection, and sends nothing when belief has ended meanwhile", async () => {
    await using a = await replica("a");
    const term = termOf("a");
    let asked = 0;
    Object.defineProperty(term, "isLeading", { get: () => asked++ === 0 });
    await a.port.begin(term);
    const answer = await ask(a.address);
    assert.equal(answer.status, 503);
    assert.equal(a.seen.length, 0);
    assert.ok(asked >= 2);
  });

  it("never sends a request in circles between replicas that take each other for the leader", async () => {
    await using a = await replica("a");
    await using b = await replica("b");
    a.port.follow({ id: "b", address: b.address });
    b.port.follow({ id: "a", address: a.address });
    const answer = await ask(a.address);
    assert.equal(answer.status, 503);
    assert.equal(reason(answer), "not-leader");
    assert.equal(answer.headers["retry-after"], "1");
  });

  it("says that a leader has no address", async () => {
    await using a = await replica("a");
    a.port.follow({ id: "b", address: null });
    assert.equal(reason(await ask(a.address)), "no-address");
  });

  it("tries a request that reached nobody again when another leads, and not the one of which bytes were sent", async () => {
    await using a = await replica("a", { retryFor: 60_000, clock: new VirtualClock() });
    await using b = await replica("b");
    a.port.follow({ id: "dead", address: `127.0.0.1:${await freePort()}` });
    const asked = ask(a.address, { method: "POST", body: "once" });
    await eventually("it waits", () => a.port.inFlight() === 1);
    await b.port.begin(termOf("b"));
    a.port.follow(null);
    a.port.follow({ id: "b", address: b.address });
    assert.equal((await asked).body, "b");
    assert.match(await a.deps.text(), /outrigger_forward_retries_total 1/);

    const broken = await httpWorkload((request) => void request.socket.destroy());
    await using c = await replica("c", { retryFor: 60_000 });
    c.port.follow({ id: "x", address: `127.0.0.1:${broken.port}` });
    const answer = await ask(c.address, { method: "POST", body: "once" });
    assert.equal(answer.status, 502);
    broken.close();
  });

  it("waits for another leader no longer than retryFor", async () => {
    const clock = new VirtualClock();
    await using a = await replica("a", { retryFor: 2_000, connectTimeout: 600_000, clock });
    a.port.follow({ id: "dead", address: `127.0.0.1:${await freePort()}` });
    const asked = ask(a.address);
    // The timer is the wait's, or still that of the connection, which is refused before its limit.
    await eventually("it waits", () => a.port.inFlight() === 1 && clock.pendingTimers === 1);
    let answered = false;
    void asked.then(() => (answered = true));
    clock.advance(1_999);
    assert.equal(answered, false);
    await eventually("it is told", () => {
      clock.advance(1);
      return answered;
    });
    const answer = await asked;
    assert.equal(answer.status, 503);
    assert.equal(reason(answer), "connect-failure");
  });

  it("gives up a request whose client leaves while it waits", async () => {
    await using a = await replica("a", { retryFor: 60_000 });
    a.port.follow({ id: "dead", address: `127.0.0.1:${await freePort()}` });
    const client = await rawClient(a.address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("it waits", () => a.port.inFlight() === 1);
    client.socket.destroy();
    await eventually("it is over", () => a.port.inFlight() === 0);
    assert.match(
      await a.deps.text(),
      /outrigger_forward_requests_total\{to="leader",outcome="client-closed"\} 1/,
    );
  });
});

describe("the end of a term", () => {
  it("waits for what the workload has got, and sends it nothing new", async () => {
    const held: ServerResponse[] = [];
    await using a = await replica("a", { serve: (response) => void held.push(response) });
    const term = termOf("a");
    await a.port.begin(term);
    const asked = ask(a.address);
    await eventually("the workload has it", () => held.length === 1);
    term.isLeading = false;
    let ended = false;
    const end = a.port.end(term, "resigned", never).then(() => (ended = true));
    assert.equal((await ask(a.address)).status, 503);
    assert.equal(ended, false);
    held[0]?.end("whole");
    assert.equal((await asked).body, "whole");
    await end;
  });

  it("cuts what is left when it must hurry", async () => {
    const held: ServerResponse[] = [];
    await using a = await replica("a", { serve: (response) => void held.push(response) });
    const term = termOf("a");
    await a.port.begin(term);
    const asked = assert.rejects(ask(a.address));
    await eventually("the workload has it", () => held.length === 1);
    const hurry = new AbortController();
    const end = a.port.end(term, "lost", hurry.signal);
    hurry.abort();
    await end;
    await asked;
    await eventually("the workload is told", () => held[0]?.destroyed === true);
  });

  it("does not wait for what goes to another leader", async () => {
    const held: ServerResponse[] = [];
    await using b = await replica("b", { serve: (response) => void held.push(response) });
    await using a = await replica("a");
    await b.port.begin(termOf("b"));
    a.port.follow({ id: "b", address: b.address });
    const asked = ask(a.address);
    await eventually("the leader's workload has it", () => held.length === 1);
    const term = termOf("a");
    await a.port.begin(term);
    await a.port.end(term, "lost", never);
    held[0]?.end("whole");
    assert.equal((await asked).body, "whole");
  });

  it("cuts WebSockets at once, here and at the replicas that led them here", async () => {
    await using a = await replica("a");
    await using b = await replica("b");
    const term = termOf("a", 12n);
    await a.port.begin(term);
    b.port.follow({ id: "a", address: a.address });
    const [here, there] = [await rawClient(a.address, WEBSOCKET), await rawClient(b.address, WEBSOCKET)];
    for (const client of [here, there]) {
      await eventually("it is open", () => client.text.includes("101"));
      client.socket.write("ping");
      await eventually("it is answered", () => client.text.endsWith("a:ping"));
    }
    assert.deepEqual(
      a.seen.map((headers) => headers["x-outrigger-token"]),
      ["12", "12"],
    );
    assert.equal(b.port.inFlight(), 1);
    await a.port.end(term, "resigned", never);
    for (const client of [here, there]) await eventually("it is cut", () => client.state !== "open");
    await eventually("nothing is left", () => a.port.inFlight() + b.port.inFlight() === 0);
  });

  it("cuts WebSockets to a leader that has gone without a word, when another is seen", async () => {
    await using a = await replica("a");
    await using b = await replica("b");
    await a.port.begin(termOf("a"));
    b.port.follow({ id: "a", address: a.address });
    const client = await rawClient(b.address, WEBSOCKET);
    await eventually("it is open", () => client.text.includes("101"));
    b.port.follow({ id: "c", address: "127.0.0.1:1" });
    await eventually("it is cut", () => client.state !== "open");
  });
});

describe("a WebSocket", () => {
  it("gets the 503 that a request would get", async () => {
    await using a = await replica("a");
    const client = await rawClient(a.address, WEBSOCKET);
    await eventually("it is refused", () => client.state === "ended");
    assert.match(client.text, /^HTTP\/1.1 503 .*retry-after: 1\r\n.*"no-leader"/s);
  });

  it("gets it, too, where a leader that has gone is not reached", async () => {
    await using a = await replica("a");
    a.port.follow({ id: "dead", address: `127.0.0.1:${await freePort()}` });
    const client = await rawClient(a.address, WEBSOCKET);
    await eventually("it is refused", () => client.state === "ended");
    assert.match(client.text, /^HTTP\/1.1 503 .*retry-after: 1\r\n.*the leader is not reached/s);
  });
});

describe("requests on one connection", () => {
  const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

  it("follow one that only offers HTTP/2, body and all", async () => {
    await using a = await replica("a", {
      serve: (response) => void response.req.resume().once("end", () => response.end("a")),
    });
    await a.port.begin(termOf("a"));
    const offer =
      "POST / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody";
    const client = await rawClient(a.address, offer);
    await eventually("it is answered", () => client.text.endsWith("\r\n\r\na"));
    client.socket.write(GET);
    await eventually("the next is, too", () => client.text.split("\r\n\r\na").length === 3);
  });

  it("that wait for their turn are over when the client goes", async () => {
    const held: ServerResponse[] = [];
    await using a = await replica("a", { serve: (response) => void held.push(response) });
    const term = termOf("a");
    await a.port.begin(term);
    const client = await rawClient(a.address, GET + GET + GET);
    await eventually("the workload has them", () => held.length === 3);
    client.socket.destroy();
    await eventually("nothing is left", () => a.port.inFlight() === 0);
    await a.port.end(term, "resigned", never);
  });

  it("get no WebSocket's bytes among their answers: one that comes before them is refused", async () => {
    const held: ServerResponse[] = [];
    await using a = await replica("a", { serve: (response) => void held.push(response) });
    await a.port.begin(termOf("a"));
    const client = await rawClient(a.address, GET + GET + WEBSOCKET);
    await eventually("it is refused", () => client.state !== "open");
    assert.equal(client.text, "");
    await eventually("nothing is left", () => a.port.inFlight() === 0);
  });
});

describe("the container's end", () => {
  it("answers on with connection: close, gives an idle connection a moment, and then is done", async () => {
    const clock = new VirtualClock();
    await using a = await replica("a", { clock });
    await using b = await replica("b");
    await b.port.begin(termOf("b"));
    a.port.follow({ id: "b", address: b.address });
    const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
    const [late, idle] = [await rawClient(a.address, GET), await rawClient(a.address, GET)];
    for (const client of [late, idle])
      await eventually("it is answered", () => client.text.endsWith("\r\n\r\nb"));
    assert.match(late.text, /connection: keep-alive/i);
    await a.port.stopAccepting(never);
    await assert.rejects(rawClient(a.address), /ECONNREFUSED/);
    const drained = a.port.drain(never);
    late.socket.write(GET);
    await eventually("the late one is answered", () => late.state === "ended");
    assert.match(late.text, /connection: close/i);
    late.socket.end();
    assert.equal(idle.state, "open");
    await eventually("the idle one is closed", () => {
      clock.advance(100);
      return idle.state !== "open";
    });
    idle.socket.end();
    assert.equal(await drained, 0);
    assert.equal(a.port.connections(), 0);
    assert.ok(a.port.accepted() >= 2);
  });

  it("cuts what is left when its time is up, and says how much", async () => {
    const held: ServerResponse[] = [];
    await using a = await replica("a", { serve: (response) => void held.push(response) });
    await a.port.begin(termOf("a"));
    const asked = [ask(a.address), ask(a.address)].map((each) => assert.rejects(each));
    await eventually("the workload has them", () => held.length === 2);
    const hurry = new AbortController();
    const drained = a.port.drain(hurry.signal);
    hurry.abort();
    assert.equal(await drained, 2);
    await Promise.all(asked);
  });

  it("is named where it cannot listen, with the remedy", async () => {
    await using a = await replica("a");
    const port = Number(a.address.split(":").at(-1));
    const second = new ForwardPort(
      { listen: { host: "127.0.0.1", port }, workload: a.workload, id: "b" },
      depsOf(),
    );
    await assert.rejects(
      second.start(),
      new RegExp(`the forward port cannot listen on 127.0.0.1:${port}: another process`),
    );
    await second.stop();
  });
});
