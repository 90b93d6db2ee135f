/** A port that is open on the leader, and on nobody else. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually, freePort } from "@outrigger/core/testing";
import { depsOf, LOOPBACK, never, rawClient, tcpWorkload, termOf, type Workload } from "../testing/ports.ts";
import { GatePort } from "./gate-port.ts";

interface Fixture extends AsyncDisposable {
  readonly gate: GatePort;
  readonly workload: Workload;
  readonly term: ReturnType<typeof termOf>;
  readonly deps: ReturnType<typeof depsOf>;
}

/** Open, before a workload that answers in capitals and ends when its client has. */
async function open(): Promise<Fixture> {
  const workload = await tcpWorkload((socket) => {
    socket.on("data", (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on("end", () => socket.end("BYE"));
  });
  const deps = depsOf();
  const gate = new GatePort({ listen: LOOPBACK, workload }, deps);
  const term = termOf("a");
  await gate.begin(term, never);
  return {
    gate,
    workload,
    term,
    deps,
    async [Symbol.asyncDispose]() {
      await gate.stop();
      workload.close();
    },
  };
}

describe("the gate port", () => {
  it("carries bytes both ways while it leads, and one side may end before the other", async () => {
    await using f = await open();
    const client = await rawClient(f.gate.address, "hello");
    await eventually("it is answered", () => client.text === "HELLO");
    assert.equal(f.gate.connections, 1);
    client.socket.end(", and goodbye");
    await eventually("the rest has come", () => client.state === "ended");
    assert.equal(client.text, "HELLO, AND GOODBYEBYE");
    await eventually("nothing is left", () => f.gate.connections === 0);
    assert.match(await f.deps.text(), /outrigger_gate_connections_total\{result="piped"\} 1/);
    assert.match(await f.deps.text(), /outrigger_gate_connections 0/);
  });

  it("is closed before it leads, and after", async () => {
    const workload = await tcpWorkload(() => {});
    const port = await freePort();
    const gate = new GatePort({ listen: { host: "127.0.0.1", port }, workload }, depsOf());
    const address = `127.0.0.1:${port}`;
    for (let round = 0; round < 3; round++) {
      await assert.rejects(rawClient(address), /ECONNREFUSED/);
      const term = termOf("a");
      await gate.begin(term, never);
      const client = await rawClient(address);
      client.socket.end();
      await eventually("it has come", () => gate.connections === 1);
      client.socket.destroy();
      const hurry = new AbortController();
      const end = gate.end(term, "resigned", hurry.signal);
      hurry.abort();
      await end;
    }
    await assert.rejects(rawClient(address), /ECONNREFUSED/);
    workload.close();
  });

  it("resets a connection that comes after belief has ended, before anybody noticed", async () => {
    await using f = await open();
    f.term.isLeading = false;
    const socket = connect({ port: Number(f.gate.address?.split(":").at(-1)), host: "127.0.0.1" });
    await assert.rejects(once(socket, "end"), /ECONNRESET/);
    assert.equal(f.gate.connections, 0);
    assert.match(await f.deps.text(), /outrigger_gate_connections_total\{result="not-leader"\} 1/);
  });

  it("ends with its term: nobody new comes in, who is there finishes", async () => {
    await using f = await open();
    const { address } = f.gate;
    const client = await rawClient(address, "hello");
    await eventually("it is answered", () => client.text === "HELLO");
    let ended = false;
    const end = f.gate.end(f.term, "resigned", never).then(() => (ended = true));
    await eventually("the port is closed", () => f.gate.address === null);
    await assert.rejects(async () => {
      for (;;) (await rawClient(address)).socket.destroy();
    }, /ECONNREFUSED|ECONNRESET/);
    client.socket.write(" again");
    await eventually("it is answered still", () => client.text === "HELLO AGAIN");
    assert.equal(ended, false);
    client.socket.end();
    await end;
  });

  it("cuts on both sides who has not finished when it must hurry", async () => {
    await using f = await open();
    const clients = [await rawClient(f.gate.address, "a"), await rawClient(f.gate.address, "b")];
    for (const client of clients) await eventually("it is answered", () => client.text !== "");
    const hurry = new AbortController();
    const end = f.gate.end(f.term, "lost", hurry.signal);
    hurry.abort();
    await end;
    assert.equal(f.gate.connections, 0);
    for (const client of clients) await eventually("it is reset", () => client.state === "reset");
    assert.match(await f.deps.text(), /outrigger_gate_connections_cut_total 2/);
  });

  it("resets a client whose workload refuses, and says so", async () => {
    const workload = { host: "127.0.0.1", port: await freePort() };
    const deps = depsOf();
    const gate = new GatePort({ listen: LOOPBACK, workload }, deps);
    await gate.begin(termOf("a"), never);
    const client = await rawClient(gate.address);
    await eventually("it is reset", () => client.state === "reset");
    await eventually("nothing is left", () => gate.connections === 0);
    assert.match(await deps.text(), /outrigger_gate_connections_total\{result="workload-unreachable"\} 1/);
    assert.ok(deps.lines.some((line) => line.includes("ECONNREFUSED")));
    await gate.stop();
  });

  for (const side of ["client", "workload"] as const) {
    it(`passes on that the ${side} was reset`, async () => {
      let reset = false;
      const sockets: Socket[] = [];
      const workload = await tcpWorkload((socket) => {
        sockets.push(socket);
        socket.write("hello");
        socket.on("error", () => (reset = true));
        socket.resume();
      });
      const gate = new GatePort({ listen: LOOPBACK, workload }, depsOf());
      await gate.begin(termOf("a"), never);
      const client = await rawClient(gate.address);
      await eventually("it is piped", () => client.text === "hello");
      if (side === "client") client.socket.resetAndDestroy();
      else sockets[0]?.resetAndDestroy();
      await eventually("the other is reset", () => (side === "client" ? reset : client.state === "reset"));
      await eventually("nothing is left", () => gate.connections === 0);
      await gate.stop();
      workload.close();
    });
  }

  it("passes on that a workload which has ended takes nothing more", async () => {
    const workload = await tcpWorkload((socket) => {
      socket.on("end", () => {});
      socket.end("bye", () => socket.destroy());
    });
    const gate = new GatePort({ listen: LOOPBACK, workload }, depsOf());
    await gate.begin(termOf("a"), never);
    const client = await rawClient(gate.address);
    await eventually("it has ended", () => client.state === "ended");
    await eventually("it is reset", () => {
      if (client.socket.writable) client.socket.write("more");
      return client.state === "reset";
    });
    assert.equal(client.text, "bye");
    await eventually("nothing is left", () => gate.connections === 0);
    await gate.stop();
    workload.close();
  });

  it("passes on that a client which has ended wants nothing more", async () => {
    let reset = false;
    let asked = false;
    const workload = await tcpWorkload((socket) => {
      const chunk = Buffer.alloc(1 << 16, "x");
      const fill = (): void => {
        while (socket.writable && socket.write(chunk));
      };
      socket.on("error", () => (reset = true));
      socket.on("drain", fill);
      socket.on("end", () => {
        asked = true;
        fill();
      });
      socket.resume();
    });
    const gate = new GatePort({ listen: LOOPBACK, workload }, depsOf());
    await gate.begin(termOf("a"), never);
    const client = await rawClient(gate.address);
    client.socket.end();
    await eventually("it is answered", () => asked && client.text !== "");
    client.socket.resetAndDestroy();
    await eventually("the workload is reset", () => reset);
    await eventually("nothing is left", () => gate.connections === 0);
    await gate.stop();
    workload.close();
  });

  it("stops reading where the other side does not: who does not read costs no memory", async () => {
    const workload = await tcpWorkload((socket) => void socket.pause());
    const gate = new GatePort({ listen: LOOPBACK, workload }, depsOf());
    await gate.begin(termOf("a"), never);
    const client = await rawClient(gate.address);
    const chunk = Buffer.alloc(1 << 20, "x");
    let written = 0;
    // What does not fit into the kernel's buffers stays with the sender: it is told to wait, and stays so.
    while (client.socket.write(chunk) || (await drainsSoon(client.socket))) {
      written += chunk.length;
      assert.ok(written < 1 << 26, "64 MB went in, and nobody has read them");
    }
    // Nor time: it is cut like all others.
    const hurry = new AbortController();
    hurry.abort();
    await gate.end(termOf("a"), "lost", hurry.signal);
    await eventually("it is reset", () => client.state === "reset");
    workload.close();
  });

  it("ends the term where another has its port, with the remedy", async () => {
    await using f = await open();
    const port = Number(f.gate.address?.split(":").at(-1));
    const second = new GatePort({ listen: { host: "127.0.0.1", port }, workload: f.workload }, depsOf());
    const term = termOf("b");
    await assert.rejects(
      second.begin(term, never),
      new RegExp(
        `the gate port cannot listen on 127.0.0.1:${port}: another process of this pod listens there`,
      ),
    );
    await second.end(term, "failed", never);
  });

  it("listens on all addresses of the pod unless told otherwise", async () => {
    const workload = await tcpWorkload((socket) => socket.end("hello"));
    const gate = new GatePort({ listen: { port: 0 }, workload }, depsOf());
    await gate.begin(termOf("a"), never);
    assert.match(gate.address ?? "", /^(\[::\]|0\.0\.0\.0):\d+$/);
    const client = await rawClient(gate.address);
    await eventually("it is answered", () => client.text === "hello");
    client.socket.destroy();
    await gate.stop();
    workload.close();
  });
});

/** Whether the socket takes more within a few hundred turns of the loop. */
async function drainsSoon(socket: Socket): Promise<boolean> {
  for (let turn = 0; turn < 500; turn++) {
    if (!socket.writableNeedDrain) return true;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return false;
}
