/** The ambassador as a library: start, reload while requests pass, stop. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request, Agent } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { OutriggerError } from "@outrigger/core";
import { freePort } from "@outrigger/core/testing";
import { createAmbassador, parseAmbassadorConfig, type Ambassador } from "./index.ts";
import { startCatalogue } from "./testing/catalogue.ts";

async function get(port: number, agent?: Agent, path = "/"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, ...(agent ? { agent } : {}) }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

const portOf = (ambassador: Ambassador, index = 0): number => ambassador.listeners[index]?.port ?? 0;

it("two ambassadors live in one process, each with its own routes and metrics", async () => {
  const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
  await using one = createAmbassador({ routes: [`0=http://127.0.0.1:${a.port}`] });
  await using other = createAmbassador({
    routes: [{ listen: 0, protocol: "http", endpoints: [`127.0.0.1:${b.port}`] }],
  });
  await Promise.all([one.start(), other.start()]);
  assert.equal((await get(portOf(one))).body, "a");
  assert.equal((await get(portOf(other))).body, "b");
  const { body } = await one.metrics.expose();
  assert.match(body, /outrigger_http_requests_total\{listener="0",code_class="2xx"\} 1\n/);
  await Promise.all([a.stop(), b.stop()]);
});

it("it answers on both loopbacks", async () => {
  const catalogue = await startCatalogue("a");
  await using ambassador = createAmbassador({ routes: [`0=http://127.0.0.1:${catalogue.port}`] });
  await ambassador.start();
  assert.deepEqual(
    ambassador.listeners[0]?.addresses.map((address) => address.replace(/\d+$/, "PORT")),
    ["127.0.0.1:PORT", "[::1]:PORT"],
  );
  await catalogue.stop();
});

it("bound to every address, it answers over IPv4, too", async () => {
  const catalogue = await startCatalogue("a");
  await using ambassador = createAmbassador({ routes: [`*:0=http://127.0.0.1:${catalogue.port}`] });
  await ambassador.start();
  assert.equal((await get(portOf(ambassador))).body, "a");
  await catalogue.stop();
});

describe("a reload", () => {
  it("changes a route in place: connections stay open, the new endpoints are used, health and counts stay", async () => {
    const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
    const port = await freePort();
    await using ambassador = createAmbassador({ routes: [`127.0.0.1:${port}=http://127.0.0.1:${a.port}`] });
    await ambassador.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await get(port, agent)).body, "a");
    await ambassador.reload(
      parseAmbassadorConfig({ routes: [`127.0.0.1:${port}=http://127.0.0.1:${b.port}?explain=true`] }),
    );
    assert.equal((await get(port, agent)).body, "b");
    assert.equal(ambassador.listeners[0]?.accepted(), 1);
    agent.destroy();
    await Promise.all([a.stop(), b.stop()]);
  });

  it("opens new routes, closes dropped ones after what they have in flight", async () => {
    const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
    let release = (): void => {};
    const slow = await startCatalogue("slow");
    slow.server.removeAllListeners("request");
    slow.server.on("request", (_request, response: { end(text: string): void }) => {
      release = () => response.end("slow");
    });
    await using ambassador = createAmbassador({
      routes: [{ name: "old", listen: 0, protocol: "http", endpoints: [`127.0.0.1:${slow.port}`] }],
    });
    await ambassador.start();
    const oldPort = portOf(ambassador);
    const arrived = once(slow.server, "request");
    const waiting = get(oldPort);
    await arrived;
    await ambassador.reload(
      parseAmbassadorConfig({
        routes: [{ name: "new", listen: 0, protocol: "http", endpoints: [`127.0.0.1:${a.port}`] }],
      }),
    );
    assert.equal((await get(portOf(ambassador))).body, "a");
    await assert.rejects(get(oldPort), /ECONNREFUSED/);
    release();
    assert.equal((await waiting).body, "slow");
    await Promise.all([a.stop(), b.stop(), slow.stop()]);
  });

  it("that cannot be done changes nothing", async () => {
    const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
    const port = await freePort();
    await using ambassador = createAmbassador({ routes: [`127.0.0.1:${port}=http://127.0.0.1:${a.port}`] });
    await ambassador.start();
    const taken = `127.0.0.1:${b.port}=http://127.0.0.1:${a.port}`;
    await assert.rejects(
      ambassador.reload(
        parseAmbassadorConfig({ routes: [`127.0.0.1:${port}=http://127.0.0.1:${b.port}`, taken] }),
      ),
      (error: OutriggerError) =>
        error.code === "cannot-listen" && /another process listens there/.test(error.message),
    );
    assert.equal((await get(port)).body, "a");
    assert.equal(ambassador.listeners.length, 1);
    await assert.rejects(
      ambassador.reload(
        parseAmbassadorConfig({
          routes: [
            {
              listen: `127.0.0.1:${port}`,
              protocol: "https",
              endpoints: ["127.0.0.1:1"],
              tls: { caFile: "/absent.pem" },
            },
          ],
        }),
      ),
      /tls\.caFile \/absent\.pem cannot be read/,
    );
    assert.equal((await get(port)).body, "a");
    await Promise.all([a.stop(), b.stop()]);
  });

  it("that was refused leaves https what it was: the next one does not go out in clear", async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-https-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=a", "-addext", "subjectAltName=IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync(
      "openssl",
      ["req", "-x509", ...curve, "-keyout", key, "-out", cert, "-days", "2", ...subject],
      { stdio: "pipe" },
    );
    const server = createHttpsServer(
      { key: readFileSync(key), cert: readFileSync(cert) },
      (_request, response) => response.end("secret"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: backend } = server.address() as AddressInfo;
    const port = await freePort();
    const route = (caFile: string, retries: number) =>
      parseAmbassadorConfig({
        routes: [`127.0.0.1:${port}=https://127.0.0.1:${backend}?tls.caFile=${caFile}&retries=${retries}`],
      });
    await using ambassador = createAmbassador({
      routes: [`127.0.0.1:${port}=https://127.0.0.1:${backend}?tls.caFile=${cert}`],
    });
    await ambassador.start();
    assert.equal((await get(port)).body, "secret");
    await assert.rejects(ambassador.reload(route("/absent.pem", 0)), /cannot be read/);
    await ambassador.reload(route(cert, 1));
    assert.deepEqual(await get(port), { status: 200, body: "secret" });
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  it("again and again under load loses no request", async () => {
    const [a, b] = [await startCatalogue("a"), await startCatalogue("b")];
    const port = await freePort();
    const config = (catalogue: { port: number }, n: number) =>
      parseAmbassadorConfig({
        routes: [`127.0.0.1:${port}=http://127.0.0.1:${catalogue.port}?retries=${n % 3}`],
      });
    await using ambassador = createAmbassador({ routes: [`127.0.0.1:${port}=http://127.0.0.1:${a.port}`] });
    await ambassador.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    let running = true;
    let answered = 0;
    const load = Array.from({ length: 10 }, async () => {
      while (running) {
        assert.equal((await get(port, agent)).status, 200);
        answered++;
      }
    });
    for (let n = 0; n < 60; n++) {
      const before = answered;
      await ambassador.reload(config(n % 2 === 0 ? b : a, n));
      while (answered < before + 5) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    running = false;
    await Promise.all(load);
    assert.ok(a.asked.length > 0 && b.asked.length > 0);
    agent.destroy();
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe("start", () => {
  it("names the address that is taken, and leaves no other port open", async () => {
    const catalogue = await startCatalogue("a");
    const port = await freePort();
    const ambassador = createAmbassador({
      routes: [`127.0.0.1:${port}=http://127.0.0.1:1`, `127.0.0.1:${catalogue.port}=http://127.0.0.1:1`],
    });
    await assert.rejects(ambassador.start(), (error: OutriggerError) => {
      assert.equal(error.code, "cannot-listen");
      assert.match(
        error.message,
        new RegExp(`cannot listen on 127.0.0.1:${catalogue.port}: another process listens there`),
      );
      return true;
    });
    await assert.rejects(get(port), /ECONNREFUSED/);
    await catalogue.stop();
  });

  it("succeeds although no endpoint is there: a world that is down makes no container unready", async () => {
    await using ambassador = createAmbassador({ routes: ["0=http://127.0.0.1:1"] });
    await ambassador.start();
    assert.equal(
      ambassador.checks.every((check) => check.check().ok),
      true,
    );
    assert.equal((await get(portOf(ambassador))).status, 502);
  });
});

it("/explain tells each endpoint with its state and why", async () => {
  const catalogue = await startCatalogue("a");
  await using ambassador = createAmbassador({
    routes: [`0=http://127.0.0.1:${catalogue.port},127.0.0.1:1?ejectAfter=1&balance=round-robin`],
  });
  await ambassador.start();
  for (let n = 0; n < 4; n++) assert.equal((await get(portOf(ambassador))).body, "a");
  const route = ambassador.controlRoutes.find(({ path }) => path === "/explain");
  const reply = await route?.handle({
    path: "/explain",
    query: new URLSearchParams(),
    body: "",
    signal: new AbortController().signal,
  });
  const told = JSON.stringify(reply);
  assert.match(
    told,
    /"key":"127.0.0.1:1".*?"state":"ejected","why":"ejected for .* more: 1 failure in a row/,
  );
  await catalogue.stop();
});

/** What happens to the port while `begun` goes on and stop() comes after that many turns of the event loop. */
async function stopAfter(turns: number, ambassador: Ambassador, begin: () => Promise<void>): Promise<void> {
  const outcome = begin().then(
    () => "done",
    (error: OutriggerError) => error.code,
  );
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  await ambassador.stop();
  assert.match(await outcome, /^(done|stopped|not-started)$/);
}

describe("stop", () => {
  for (const [where, turns] of [
    ["at once", 0],
    ["after a turn", 1],
    ["after two turns", 2],
    ["after three turns", 3],
    ["after twenty turns", 20],
  ] as const) {
    it(`${where} while it starts leaves nothing listening`, async () => {
      const port = await freePort();
      const ambassador = createAmbassador({ routes: [`${port}=http://127.0.0.1:1`] });
      await stopAfter(turns, ambassador, () => ambassador.start());
      await assert.rejects(get(port), /ECONNREFUSED/);
      assert.deepEqual(ambassador.listeners[0]?.addresses, []);
    });

    it(`${where} while it reloads leaves nothing listening`, async () => {
      const [port, added] = [await freePort(), await freePort()];
      const ambassador = createAmbassador({ routes: [`${port}=http://127.0.0.1:1`] });
      await ambassador.start();
      await stopAfter(turns, ambassador, () =>
        ambassador.reload(parseAmbassadorConfig({ routes: [`${added}=http://127.0.0.1:1`] })),
      );
      await assert.rejects(get(port), /ECONNREFUSED/);
      await assert.rejects(get(added), /ECONNREFUSED/);
    });
  }

  for (const step of ["start", "reload"] as const) {
    it(
      `while the ${step} waits for discovery ends it, and leaves nothing listening`,
      { timeout: 20_000 },
      async () => {
        // A name server that never answers.
        const silent = createSocket("udp4").bind(0, "127.0.0.1");
        await once(silent, "listening");
        const [port, first] = [await freePort(), await freePort()];
        const waiting = {
          listen: port,
          protocol: "http" as const,
          endpoints: ["nowhere.test:80"],
          dnsServers: [`127.0.0.1:${silent.address().port}`],
          discoveryTimeout: step === "start" ? "5m" : "1s",
        };
        const quick = `${first}=http://127.0.0.1:1`;
        const ambassador = createAmbassador({ routes: step === "start" ? [waiting] : [quick] });
        if (step === "reload") await ambassador.start();
        const asked = once(silent, "message");
        const begun = assert.rejects(
          step === "start"
            ? ambassador.start()
            : ambassador.reload(parseAmbassadorConfig({ routes: [quick, waiting] })),
          { code: step === "start" ? "stopped" : "not-started" },
        );
        await asked;
        await ambassador.stop();
        await begun;
        for (const each of [port, first]) await assert.rejects(get(each), /ECONNREFUSED/);
        silent.close();
      },
    );
  }
});

it("a reload waits for the start under way, and is refused before it and after stop()", async () => {
  const [port, added] = [await freePort(), await freePort()];
  const ambassador = createAmbassador({ routes: [`${port}=http://127.0.0.1:1`] });
  const next = parseAmbassadorConfig({ routes: [`${added}=http://127.0.0.1:1`] });
  await assert.rejects(ambassador.reload(next), { code: "not-started" });
  await Promise.all([ambassador.start(), ambassador.reload(next)]);
  assert.equal((await get(added, new Agent())).status, 502);
  await assert.rejects(get(port), /ECONNREFUSED/);
  await ambassador.stop();
  await assert.rejects(get(added), /ECONNREFUSED/);
  await assert.rejects(ambassador.reload(next), { code: "not-started" });
});
