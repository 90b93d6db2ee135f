/** role=ingress before one workload: not ready before the workload is, and no request lost while it restarts. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { it } from "node:test";
import { freePort } from "@outrigger/core/testing";
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
