import assert from "node:assert/strict";
import { Agent } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import { replay, workloadAddress } from "./replay.ts";

const REQUEST = { method: "GET", target: "/", fields: [["host", "h"]], body: "" } as const;

async function answerTo(host: string, answer: string): Promise<Answer> {
  const workload = await new Promise<Server>((resolve) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(answer));
    });
    server.listen(0, host, () => resolve(server));
  });
  const { port, family } = workload.address() as AddressInfo;
  const agent = new Agent();
  try {
    return await replay(
      REQUEST,
      [],
      {
        agent,
        workload: workloadAddress(`http://${family === "IPv6" ? `[${host}]` : host}:${port}`),
        maxAnswer: 1_000,
      },
      new AbortController().signal,
    );
  } finally {
    agent.destroy();
    workload.close();
  }
}

test("an answer that is none is a failed attempt, which ends", async () => {
  for (const answer of [
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "garbage\r\n\r\n",
  ])
    await assert.rejects(
      answerTo("127.0.0.1", answer),
      (thrown) => OutriggerError.from(thrown).code === "no-answer",
      answer,
    );
});

test("an answer after 103 (Early Hints) is the answer", async () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const { status, body } = await answerTo(
    "127.0.0.1",
    `${early}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`,
  );
  assert.deepEqual([status, body], [200, "x"]);
});

test("a workload may have an IPv6 address", async () => {
  assert.equal((await answerTo("::1", "HTTP/1.1 204 No Content\r\n\r\n")).status, 204);
});

test("an attempt that is given up ends at once with the reason, before an answer and within one", async () => {
  for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]) {
    const limit = new AbortController();
    const { sockets, workload, url } = await listening((socket) => {
      socket.write(answer);
      setImmediate(() => limit.abort(new OutriggerError("timeout", "too late")));
    });
    const agent = new Agent();
    const deps = { agent, workload: workloadAddress(url), maxAnswer: 1_000 };
    await assert.rejects(
      replay(REQUEST, [], deps, limit.signal),
      (thrown) => OutriggerError.from(thrown).code === "timeout",
      answer,
    );
    await closed(sockets);
    workload.close();
  }
});

test("an answer that breaks off is none", async () => {
  const { workload, url } = await listening((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
  );
  const deps = { agent: new Agent(), workload: workloadAddress(url), maxAnswer: 1_000 };
  await assert.rejects(
    replay(REQUEST, [], deps, new AbortController().signal),
    (thrown) => OutriggerError.from(thrown).code === "no-answer",
  );
  workload.close();
});

test("an answer without a length ends with its connection", async () => {
  const { workload, url } = await listening((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nwhole"));
  const deps = { agent: new Agent({ keepAlive: true }), workload: workloadAddress(url), maxAnswer: 1_000 };
  assert.equal((await replay(REQUEST, [], deps, new AbortController().signal)).body, "whole");
  workload.close();
});

test("an answer with more than maxAnswer bytes is not taken, and its connection is closed", async () => {
  const { sockets, workload, url } = await listening((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${"x".repeat(2_000)}`),
  );
  const deps = { agent: new Agent({ keepAlive: true }), workload: workloadAddress(url), maxAnswer: 1_000 };
  await assert.rejects(
    replay(REQUEST, [], deps, new AbortController().signal),
    (thrown) => OutriggerError.from(thrown).code === "answer-too-large",
  );
  await closed(sockets);
  workload.close();
});

/** A workload that does that to each connection when something is asked on it. */
async function listening(
  behave: (socket: Socket) => void,
): Promise<{ sockets: Socket[]; workload: Server; url: string }> {
  const sockets: Socket[] = [];
  const workload = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => behave(socket));
  });
  await new Promise<void>((resolve) => workload.listen(0, "127.0.0.1", () => resolve()));
  return { sockets, workload, url: `http://127.0.0.1:${(workload.address() as AddressInfo).port}` };
}

async function closed(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets)
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
