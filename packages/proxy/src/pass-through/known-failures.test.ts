/** What http-proxy 1.18.1 is known to do wrong on current Node: each shown of it as it is, and not of ours. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { eventually } from "@outrigger/core/testing";
import { createHttpProxy } from "./http-proxy.ts";
import { bareTo, clientOf, passThroughTo, rawEndpoint } from "./testing/behind.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const HALF = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf";
const HALF_CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";

/** Two endpoints that tell when a request has come, and when its connection has gone. */
async function endpoint(answer: string) {
  let asked = 0;
  let gone = 0;
  const raw = await rawEndpoint((socket) => {
    socket.on("data", () => {
      asked++;
      socket.write(answer);
    });
    socket.on("close", () => gone++);
    socket.on("end", () => socket.end());
  });
  return { ...raw, asked: () => asked, gone: () => gone };
}

describe("a client that disconnects", () => {
  for (const [when, answer] of Object.entries({ "while it waits": "", "mid-stream": HALF })) {
    const seen = (text: string): boolean => answer === "" || text.includes("half");

    it(`takes the upstream request along, ${when}`, async () => {
      const behind = await endpoint(answer);
      await using proxy = await passThroughTo({ host: "127.0.0.1", port: behind.port });
      const client = await clientOf(proxy.port, GET);
      await eventually("it is under way", () => behind.asked() === 1 && seen(client.text));
      assert.equal(proxy.pass.inFlight, 1);
      client.socket.destroy();
      await eventually("the upstream request is gone", () => behind.gone() === 1);
      await eventually("it is over", () => proxy.outcomes.length === 1);
      assert.deepEqual(proxy.outcomes, [{ kind: "client-closed" }]);
      assert.equal(proxy.pass.inFlight, 0);
      behind.close();
    });

    it(`leaves it there in bare http-proxy, ${when}`, async () => {
      const behind = await endpoint(answer);
      const { port, close } = await bareTo(await bare(), behind.port);
      const [first, second] = [await clientOf(port, GET), await clientOf(port, GET)];
      await eventually("both are under way", () => behind.asked() === 2 && seen(second.text));
      for (const client of [first, second]) client.socket.destroy();
      // The proxy has noticed by the time that it answers another.
      const last = await clientOf(port, GET);
      await eventually("another is under way", () => behind.asked() === 3 && seen(last.text));
      assert.equal(behind.gone(), 0);
      last.socket.destroy();
      behind.close();
      close();
    });
  }
});

describe("an upstream that resets in the middle of its answer", () => {
  for (const [framing, answer] of Object.entries({ "with a length": HALF, "in chunks": HALF_CHUNKED })) {
    it(`ends the client, ${framing}`, async () => {
      const behind = await endpoint(answer);
      await using proxy = await passThroughTo({ host: "127.0.0.1", port: behind.port });
      const client = await clientOf(proxy.port, GET);
      await eventually("half has come", () => client.text.includes("half"));
      behind.sockets[0]?.resetAndDestroy();
      await eventually("the client is told", () => client.state !== "open");
      assert.equal(proxy.outcomes[0]?.kind, "failed");
      assert.doesNotMatch(client.text, /\r\n0\r\n/);
      behind.close();
    });

    it(`leaves it hanging in bare http-proxy, ${framing}`, async () => {
      const behind = await endpoint(answer);
      const { port, close } = await bareTo(await bare(), behind.port);
      const client = await clientOf(port, GET);
      await eventually("half has come", () => client.text.includes("half"));
      behind.sockets[0]?.resetAndDestroy();
      const other = await clientOf(port, GET);
      await eventually("another is served meanwhile", () => other.text.includes("half"));
      assert.equal(client.state, "open");
      for (const each of [client, other]) each.socket.destroy();
      behind.close();
      close();
    });
  }

  it("does not look like a whole answer to a client of HTTP/1.0, whose bodies end with the connection", async () => {
    const behind = await endpoint(HALF_CHUNKED);
    await using proxy = await passThroughTo({ host: "127.0.0.1", port: behind.port });
    const client = await clientOf(proxy.port, "GET / HTTP/1.0\r\n\r\n");
    await eventually("half has come", () => client.text.includes("half"));
    behind.sockets[0]?.resetAndDestroy();
    await eventually("the client is reset", () => client.state === "reset");
    behind.close();
  });
});

describe("a warning about util._extend", () => {
  const forwarding = (load: string): string => {
    const script = `
      import { createServer } from "node:http";
      const proxy = ${load};
      const server = createServer((request, response) => proxy.web(request, response, { target: { protocol: "http:", host: "127.0.0.1", port: 1 } }, () => response.end("done")));
      server.listen(0, "127.0.0.1", async () => {
        await (await fetch("http://127.0.0.1:" + server.address().port)).text();
        process.exit();
      });`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    assert.equal(run.status, 0, run.stderr);
    return run.stderr;
  };
  const ours = new URL("./http-proxy.ts", import.meta.url.replace(/\.js$/, ".ts"));

  it("does not come from ours, and util is as it was", async () => {
    const util = await import("node:util");
    const before = Object.getOwnPropertyDescriptor(util.default, "_extend");
    await createHttpProxy();
    assert.deepEqual(Object.getOwnPropertyDescriptor(util.default, "_extend"), before);
    const file = import.meta.url.endsWith(".ts")
      ? ours.href
      : new URL("./http-proxy.js", import.meta.url).href;
    assert.doesNotMatch(
      forwarding(`await (await import(${JSON.stringify(file)})).createHttpProxy()`),
      /_extend/,
    );
  });

  const warns = Number(process.versions.node.split(".")[0]) >= 24;
  it("comes from bare http-proxy on Node 24 and later", { skip: !warns }, () => {
    assert.match(forwarding('(await import("http-proxy")).default.createProxyServer()'), /util\._extend/);
  });
});

async function bare() {
  await createHttpProxy();
  const { default: HttpProxy } = await import("http-proxy");
  return () => HttpProxy.createProxyServer();
}
