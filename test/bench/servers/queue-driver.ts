/**
 * Both ends of the queue's bench in one process, so that one clock sees both: the callers, and the workload that their
 * requests come to in the end. Told over IPC what to do (QueueLoad), it says what it saw (QueueSeen). Argument: PORT.
 */
import { Agent, createServer, request } from "node:http";
import type { QueueLoad, QueueSeen } from "../queue-load.ts";

const PATIENCE = 120_000;
const ANSWER = JSON.stringify({ done: true, text: "outrigger ".repeat(8) });

const agent = new Agent({ keepAlive: true });
/** Of the load under way. */
let sent: number[] = [];
let arrived: number[] = [];
let accepted = 0;
let wrong = 0;
let arrivals = 0;
let onAll = (): void => {};
let expected = 0;

const bodyOf = (number: number): string => JSON.stringify({ number, text: "outrigger ".repeat(8) });

createServer({ keepAliveTimeout: 3_600_000 }, (incoming, response) => {
  const now = performance.now();
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const number = Number(incoming.url?.split("/")[2]);
    // Twice, or not as it was sent.
    if (arrived[number] !== undefined || Buffer.concat(chunks).toString() !== bodyOf(number)) wrong++;
    else arrived[number] = now;
    response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    if (++arrivals === expected) onAll();
  });
}).listen(Number(process.argv[2]), "127.0.0.1", () => process.send?.("listening"));

process.on("disconnect", () => process.exit());
process.on("message", (load: QueueLoad) => void run(load).then((seen) => process.send?.(seen)));

async function run({ port, jobs, connections, perSecond }: QueueLoad): Promise<QueueSeen> {
  [sent, arrived, accepted, wrong, arrivals, expected] = [[], [], 0, 0, 0, jobs];
  const all = new Promise<void>((resolve) => (onAll = resolve));
  const limit = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref());
  const began = performance.now();
  await (perSecond === undefined ? asFastAsTaken(port, jobs, connections) : paced(port, jobs, perSecond));
  await Promise.race([all, limit]);
  const times = arrived.map((at, number) => at - (sent[number] as number)).sort((a, b) => a - b);
  return {
    seconds: (performance.now() - began) / 1_000,
    refused: jobs - accepted,
    lost: jobs - times.length,
    wrong,
    p50: times[Math.floor(times.length / 2)] ?? NaN,
    p99: times[Math.floor(times.length * 0.99)] ?? NaN,
  };
}

async function asFastAsTaken(port: number, jobs: number, connections: number): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < jobs) await post(port, next++);
  };
  await Promise.all(Array.from({ length: connections }, caller));
}

function paced(port: number, jobs: number, perSecond: number): Promise<void> {
  return new Promise((resolve) => {
    const posts: Promise<void>[] = [];
    const timer = setInterval(() => {
      if (posts.length < jobs) posts.push(post(port, posts.length));
      else {
        clearInterval(timer);
        void Promise.all(posts).then(() => resolve());
      }
    }, 1_000 / perSecond);
  });
}

function post(port: number, number: number): Promise<void> {
  return new Promise((resolve) => {
    const body = bodyOf(number);
    sent[number] = performance.now();
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      "user-agent": "bench/1",
      accept: "*/*",
    };
    const path = `/work/${number}`;
    const call = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent }, (response) => {
      if (response.statusCode === 202) accepted++;
      response.resume();
      response.on("close", resolve);
    });
    // Counted as refused.
    call.on("error", () => resolve());
    call.end(body);
  });
}
