import assert from "node:assert/strict";
import { Agent } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import type { Answer } from "../job/answer.ts";
import { storeBody } from "../job/body.ts";
import { collect } from "../testing/collect.ts";
import { replay } from "./replay.ts";

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
        workload: new URL(`http://${family === "IPv6" ? `[${host}]` : host}:${port}`),
        readBody: () => assert.fail("it has no blob"),
        keepBody: async (_status, pieces) => storeBody(Buffer.concat(await collect(pieces))),
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
