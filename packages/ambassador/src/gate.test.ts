/** role=ingress before one workload: not ready before the workload is, and no request lost while it restarts. */
import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { freePort, VirtualClock } from "@outrigger/core/testing";
import { createAmbassador, parseAmbassadorConfig, type Ambassador } from "./index.ts";

const ready = (gate: Ambassador): boolean => {
  const check = gate.checks.find(({ name }) => name === "workload");
  assert.ok(check && check.kind === "ready");
  return check.check().ok;
};

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** A workload that says which of its lives answered. */
async function startWorkload(port: number, life: string) {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end(life));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    /** As a process that is killed: its port and its connections are gone at once. */
    async die(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

it("a gate is ready when its workload has accepted a connection, and stays so while that restarts", async () => {
  const port = await freePort();
  await using gate = createAmbassador({ routes: [`0=http://127.0.0.1:${port}?role=ingress`] });
  await gate.start();
  assert.equal(ready(gate), false);
  const workload = await startWorkload(port, "first");
  await until(() => ready(gate));
  await workload.die();
  assert.equal(ready(gate), true);
});

it("a reload that names another workload looks for that one, and one that makes it egress for none", async () => {
  const [wrong, right] = [await freePort(), await freePort()];
  const to = (port: number, role = "ingress") =>
    parseAmbassadorConfig({ routes: [`0=http://127.0.0.1:${port}?role=${role}`] });
  await using gate = createAmbassador({ routes: [`0=http://127.0.0.1:${wrong}?role=ingress`] });
  await gate.start();
  const workload = await startWorkload(right, "right");
  assert.equal(ready(gate), false);
  await gate.reload(to(right));
  await until(() => ready(gate));
  await gate.reload(to(wrong));
  assert.equal(ready(gate), false);
  await gate.reload(to(wrong, "egress"));
  assert.equal(ready(gate), true);
  await gate.reload(to(right));
  await until(() => ready(gate));
  await workload.die();
  await gate.reload(to(right));
  assert.equal(ready(gate), true, "the same one is not asked for again");
});

it("when it stops it looks no longer", async () => {
  const clock = new VirtualClock();
  const port = await freePort();
  const gate = createAmbassador({ routes: [`0=http://127.0.0.1:${port}?role=ingress`] }, { clock });
  await gate.start();
  await until(() => clock.pendingTimers > 0);
  await gate.stop();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(clock.pendingTimers, 0);
});

it("what waiting does not mend is told at once: a workload that speaks no TLS", async () => {
  const port = await freePort();
  const workload = await startWorkload(port, "plain");
  await using gate = createAmbassador({ routes: [`0=https://127.0.0.1:${port}?role=ingress`] });
  await gate.start();
  const answer = await fetch(`http://127.0.0.1:${gate.listeners[0]?.port}/`);
  assert.deepEqual([answer.status, answer.headers.get("x-outrigger-reason")], [502, "connect-failure"]);
  await workload.die();
});

it("an egress route, and an ingress route to several, are ready whatever is behind them", async () => {
  const [port, other] = [await freePort(), await freePort()];
  await using ambassador = createAmbassador({
    routes: [
      `0=http://127.0.0.1:${port}`,
      {
        name: "in",
        listen: 0,
        protocol: "http",
        role: "ingress",
        endpoints: [`127.0.0.1:${port}`, `127.0.0.1:${other}`],
      },
    ],
  });
  await ambassador.start();
  assert.equal(ready(ambassador), true);
});

it("GETs and POSTs that come while the workload restarts are answered by its next life, each once", async () => {
  const port = await freePort();
  await using gate = createAmbassador({ routes: [`0=http://127.0.0.1:${port}?role=ingress`] });
  const first = await startWorkload(port, "first");
  await gate.start();
  const url = `http://127.0.0.1:${gate.listeners[0]?.port}/`;
  assert.equal(await (await fetch(url)).text(), "first");
  await first.die();
  const calls = ["GET", "POST", "POST", "GET"].map((method) =>
    fetch(url, { method, ...(method === "POST" && { body: "order" }) }).then((answer) => answer.text()),
  );
  await until(() => gate.listeners[0]?.inFlight() === 4);
  const second = await startWorkload(port, "second");
  assert.deepEqual(await Promise.all(calls), ["second", "second", "second", "second"]);
  await second.die();
});

describe("the gate in the hands of who drains it", () => {
  /** A gate before a workload that answers when it is let. */
  async function drainable(context: TestContext, query = "") {
    const port = await freePort();
    let waiting: (() => void)[] = [];
    const server = createServer((request, response) => {
      request.resume();
      if (request.url === "/slow") waiting.push(() => response.end("slow"));
      else response.end("at once");
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const ambassador = createAmbassador({ routes: [`0=http://127.0.0.1:${port}?role=ingress${query}`] });
    await ambassador.start();
    context.after(async () => {
      await ambassador.stop();
      server.closeAllConnections();
      server.close();
    });
    const [route] = ambassador.listeners;
    assert.ok(route?.gate);
    const agent = new Agent({ keepAlive: true });
    context.after(() => agent.destroy());
    const call = (path: string): Promise<{ body: string; connection: string | undefined; status: number }> =>
      new Promise((resolve, reject) => {
        request({ agent, port: route.port, host: "127.0.0.1", path }, (response) => {
          let body = "";
          response.on("data", (chunk: Buffer) => (body += chunk.toString()));
          response.on("end", () =>
            resolve({ body, connection: response.headers.connection, status: response.statusCode ?? 0 }),
          );
        })
          .on("error", reject)
          .end();
      });
    return {
      gate: route.gate,
      route,
      call,
      arrived: () => waiting.length,
      finish: () => {
        for (const answer of waiting) answer();
        waiting = [];
      },
      async die(): Promise<void> {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      },
    };
  }

  it("sends clients elsewhere with connection: close, and takes that back", async (context) => {
    const { gate, call } = await drainable(context);
    assert.equal((await call("/")).connection, undefined);
    gate.turnClientsAway(true);
    assert.equal((await call("/")).connection, "close");
    gate.turnClientsAway(false);
    assert.equal((await call("/")).connection, undefined);
  });

  it("once it ends it does, though a drain is taken back then", async (context) => {
    const { gate, call, route, arrived, finish } = await drainable(context);
    const slow = call("/slow");
    await until(() => arrived() === 1);
    gate.turnClientsAway(true);
    const ended = route.drain(new AbortController().signal);
    gate.turnClientsAway(false);
    finish();
    assert.equal((await slow).connection, "close");
    assert.equal(await ended, 0);
  });

  it("is busy with what the workload has, not with what waits", async (context) => {
    const { gate, call, arrived, finish, route } = await drainable(context);
    const slow = call("/slow");
    await until(() => arrived() === 1);
    assert.equal(gate.busy(), 1);
    gate.withhold();
    const waits = call("/");
    await until(() => route.inFlight() === 2);
    assert.equal(gate.busy(), 1);
    finish();
    assert.equal((await slow).body, "slow");
    await until(() => gate.busy() === 0);
    gate.letGo();
    assert.equal((await waits).body, "at once");
  });

  it("sees whether the workload accepts connections", async (context) => {
    const { gate, die } = await drainable(context);
    assert.equal(await gate.workloadAccepts(), true);
    await die();
    assert.equal(await gate.workloadAccepts(), false);
  });

  it("tells who waits when the workload is gone", async (context) => {
    const { gate, call, die, route } = await drainable(context);
    await die();
    const waits = call("/");
    await until(() => route.inFlight() === 1);
    gate.workloadGone();
    for (const answer of [await waits, await call("/")])
      assert.deepEqual([answer.status, answer.connection], [503, "close"]);
  });

  it("closes idle client connections when requests begin to wait", async (context) => {
    const { gate, call, route } = await drainable(context);
    await call("/");
    assert.equal(route.connections(), 1);
    gate.withhold();
    await until(() => route.connections() === 0);
  });

  it("is there for ingress alone, and asks no workload where there are several", async () => {
    const [port, other] = [await freePort(), await freePort()];
    const ingress = { protocol: "http", role: "ingress", listen: 0 } as const;
    await using ambassador = createAmbassador({
      routes: [
        `0=http://127.0.0.1:${port}`,
        { ...ingress, name: "in", endpoints: [`127.0.0.1:${port}`, `127.0.0.1:${other}`] },
      ],
    });
    assert.equal(ambassador.listeners[1]?.gate, undefined, "it does not listen yet");
    await ambassador.start();
    const [egress, several] = ambassador.listeners.map(({ gate }) => gate);
    assert.equal(egress, undefined);
    assert.equal(await several?.workloadAccepts(), true);
  });
});

for (const [sentence, line, hold] of [
  ["a gate holds for 10 s", "8080=http://127.0.0.1:3000?role=ingress", 10_000],
  ["or as long as it is told", "8080=http://127.0.0.1:3000?role=ingress&hold=30s", 30_000],
  ["egress does not", "8080=http://127.0.0.1:3000", 0],
  ["but may be told to", "8080=http://127.0.0.1:3000?hold=1s", 1_000],
  ["ingress to several does not", "8080=http://127.0.0.1:3000,127.0.0.1:3001?role=ingress", 0],
] as const) {
  it(`hold: ${sentence}`, () => {
    assert.equal(parseAmbassadorConfig({ routes: [line] }).routes[0]?.hold, hold);
  });
}

it("hold with several endpoints is refused", () => {
  assert.throws(
    () => parseAmbassadorConfig({ routes: ["8080=http://127.0.0.1:1,127.0.0.1:2?hold=1s"] }),
    /hold waits for one workload: with several endpoints another one is asked; remove hold, or leave one/,
  );
});

it("hold with a health check that can leave no endpoint to wait for is refused", () => {
  const line = "8080=http://127.0.0.1:3000?role=ingress&health=tcp&panicThreshold=0%25";
  assert.throws(
    () => parseAmbassadorConfig({ routes: [line] }),
    /with a health check and panicThreshold 0% .* remove health or panicThreshold, or set hold=0s/,
  );
  assert.ok(parseAmbassadorConfig({ routes: [`${line}&hold=0s`] }));
  assert.ok(parseAmbassadorConfig({ routes: ["8080=http://127.0.0.1:3000?role=ingress&health=tcp"] }));
});
