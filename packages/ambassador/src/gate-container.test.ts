/** The container in front of a workload whose pod is replaced: who is told what, and in which order. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { get, start } from "./testing/container-process.ts";

describe("as a gate, when its pod is replaced", () => {
  const TOKEN = { headers: { "x-outrigger-drain": "preStop" } };

  /** A gate container before a workload that has one request, which it answers when it is let. */
  async function gated(...args: string[]) {
    let answer = (): void => {};
    const arrived = new Promise<void>((arrive) => {
      workload.on("request", (call: IncomingMessage, response: ServerResponse) => {
        if (call.url !== "/slow") return void response.end("at once");
        answer = () => void response.end("slow");
        arrive();
      });
    });
    workload.listen(0, "127.0.0.1");
    await once(workload, "listening");
    const { port } = workload.address() as AddressInfo;
    const route = `127.0.0.1:0=http://127.0.0.1:${port}?role=ingress`;
    const container = await start(["--route", route, ...args]);
    const slow = get(container.port, "/slow");
    await arrived;
    return {
      container,
      slow,
      answer: () => answer(),
      die(): void {
        workload.close();
        workload.closeAllConnections();
      },
    };
  }
  let workload: Server;
  beforeEach(() => (workload = createServer()));
  afterEach(() => {
    workload.closeAllConnections();
    workload.close();
  });

  it("native sidecar: preStop waits for the last answer, SIGTERM then ends it at once, whatever settle says", async () => {
    const { container, slow, answer, die } = await gated("--settle", "200ms", "--grace", "600s");
    const preStop = get(container.probe, "/drain", TOKEN);
    await container.line(/^drain asked for$/);
    assert.equal((await get(container.port, "/")).body, "at once", "it serves through settle");
    answer();
    assert.equal((await slow).body, "slow");
    assert.match((await preStop).body, /^drained in .*: the workload has no request in flight\n$/);
    const late = get(container.port, "/");
    die();
    container.child.kill("SIGTERM");
    assert.equal(await container.exited, 0);
    // It may have come before the port closed, or after.
    const outcome = await late.then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok(outcome === 503 || outcome === "ECONNREFUSED" || outcome === "ECONNRESET", `${outcome}`);
  });

  it("native sidecar: with settle still to come it does not stay for a workload that has ended", async () => {
    const { container, answer, slow, die } = await gated("--settle", "500s", "--grace", "600s");
    answer();
    await slow;
    die();
    container.child.kill("SIGTERM");
    assert.equal(await container.exited, 0);
    await container.line(/^the workload has ended$/);
  });

  it("ordinary container: SIGTERM and preStop come together, and the workload is held back until all is answered", async () => {
    const { container, slow, answer, die } = await gated("--settle", "200ms", "--grace", "600s");
    container.child.kill("SIGTERM");
    await container.line(/^draining$/);
    const preStop = get(container.probe, "/drain", TOKEN);
    assert.equal((await get(container.port, "/")).body, "at once", "it serves through settle");
    let early = true;
    void slow.then(() => (early = false));
    const stopped = preStop.then(({ status, body }) => ({ status, body, early }));
    await container.line(/^drain asked for$/);
    answer();
    const { status, body, early: tooEarly } = await stopped;
    assert.deepEqual([status, tooEarly], [200, false], body);
    die();
    assert.equal(await container.exited, 0);
  });

  it("nobody drains it without its token, nor an egress container at all", async () => {
    const { container, slow, answer } = await gated("--drain-token", "s3same");
    assert.equal((await get(container.probe, "/drain")).status, 403);
    assert.equal((await get(container.probe, "/drain", TOKEN)).status, 403);
    answer();
    await slow;
    const egress = await start(["--route", "0=http://127.0.0.1:1"]);
    assert.equal((await get(egress.probe, "/drain", TOKEN)).status, 404);
    for (const { child, exited } of [container, egress]) {
      child.kill("SIGKILL");
      await exited;
    }
  });
});
