/** Bodies of 1 GB, both ways and in both framings, to receivers that stop: nothing is buffered, nothing is lost. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { AmbassadorProcess } from "../support/ambassador.ts";
import { span } from "../support/polling.ts";
import { freePort } from "@outrigger/core/testing";
import { Program } from "../support/program.ts";
import { receiveBody, sendBody, type Stops, type Tally } from "./large-body.ts";
import { MemorySampler } from "./memory.ts";
import type { BodiesResult } from "./result.ts";

const STORE = fileURLToPath(new URL("./store.js", import.meta.url));
const MEBIBYTE = 1024 * 1024;
/** Downloads at once whose readers stop altogether, and are then dropped. */
const STOPPED_READERS = 50;

type Shape = "sized" | "chunked";
type Transfer = BodiesResult["transfers"][number];

export async function soakBodies(short: boolean): Promise<BodiesResult> {
  const bytes = (short ? 64 : 1024) * MEBIBYTE;
  const stops: Stops = { every: bytes / 4, pause: short ? 500 : 3_000 };
  const port = await freePort();
  const store = Program.node("store", STORE, [String(port), String(stops.every), String(stops.pause)]);
  await store.receive();
  const ambassador = await AmbassadorProcess.start({ endpoints: [`127.0.0.1:${port}`] });
  try {
    const warm = { every: Infinity, pause: 0 };
    const sampler = new MemorySampler(ambassador.program);
    for (const shape of ["sized", "chunked"] as const) {
      await download(ambassador.port, store, shape, 64 * MEBIBYTE, warm);
      await upload(ambassador.port, shape, 64 * MEBIBYTE);
    }
    await span(3_000);
    sampler.setBase();
    const transfers: Transfer[] = [];
    for (const shape of ["sized", "chunked"] as const) {
      transfers.push(await download(ambassador.port, store, shape, bytes, stops));
      transfers.push(await upload(ambassador.port, shape, bytes));
    }
    transfers.push(await stoppedReaders(ambassador.port, bytes, short ? 3_000 : 15_000));
    return { kind: "bodies", bytes, transfers, memory: sampler.stop() };
  } finally {
    await ambassador.end();
    await store.end();
  }
}

async function download(
  port: number,
  store: Program,
  shape: Shape,
  bytes: number,
  stops: Stops,
): Promise<Transfer> {
  const began = performance.now();
  const answer = await open(port, bytes, shape, true);
  const received = await receiveBody(answer, stops);
  const sent = (await store.receive()) as Tally;
  return {
    name: `download, ${shape}`,
    seconds: seconds(began),
    stoppedSeconds: received.stopped / 1000,
    same: received.bytes === bytes && sent.bytes === bytes && received.sha256 === sent.sha256,
  };
}

async function upload(port: number, shape: Shape, bytes: number): Promise<Transfer> {
  const began = performance.now();
  const headers = shape === "sized" ? { "content-length": bytes } : { "transfer-encoding": "chunked" };
  const sending = request({ host: "127.0.0.1", port, method: "PUT", path: "/", headers, agent: false });
  const answered = once(sending, "response") as Promise<[IncomingMessage]>;
  const sent = await sendBody(sending, bytes);
  sending.end();
  const [answer] = await answered;
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) text += chunk as string;
  const received = JSON.parse(text) as Tally & { stopped: number };
  return {
    name: `upload, ${shape}`,
    seconds: seconds(began),
    stoppedSeconds: received.stopped / 1000,
    same: received.bytes === bytes && sent.bytes === bytes && received.sha256 === sent.sha256,
  };
}

/** Many at once that read the head and then nothing: each may hold no more than a buffer. */
async function stoppedReaders(port: number, bytes: number, milliseconds: number): Promise<Transfer> {
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: STOPPED_READERS }, (_, index) =>
      open(port, bytes, index % 2 === 0 ? "sized" : "chunked", false),
    ),
  );
  await span(milliseconds);
  const same = answers.every((answer) => answer.statusCode === 200 && !answer.destroyed);
  for (const answer of answers) answer.destroy();
  return {
    name: `${STOPPED_READERS} downloads at once, stopped, then dropped`,
    seconds: seconds(began),
    stoppedSeconds: milliseconds / 1000,
    same,
  };
}

async function open(port: number, bytes: number, shape: Shape, tell: boolean): Promise<IncomingMessage> {
  const headers = tell ? { "x-tell": "1" } : {};
  const asking = request({ host: "127.0.0.1", port, path: `/${bytes}/${shape}`, headers, agent: false });
  asking.end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  answer.on("error", () => {});
  asking.on("error", () => {});
  return answer;
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 100) / 10;
}
