/** Keeps so many requests as jobs, as a front does: backlog.js BACKEND QUEUE COUNT. Their targets are /0, /1 and so on. */
import { randomUUID } from "node:crypto";
import { createMetrics, silentLogger, systemClock } from "@outrigger/core";
import { parseWorkQueueConfig } from "../config/config.ts";
import { OpenQueue } from "../open-queue.ts";

const AT_ONCE = 500;

const [backend = "", queue = "", count = "0"] = process.argv.slice(2);
const config = parseWorkQueueConfig({ role: "front", backend, queue, storeTimeout: "1m" });
const deps = {
  clock: systemClock,
  log: silentLogger,
  metrics: createMetrics(),
  random: Math.random,
  depthChanged: () => {},
};
const open = await OpenQueue.open(config, deps, new AbortController().signal);
const fields = [
  ["host", "soak"],
  ["content-type", "application/json"],
  ["user-agent", "soak/1"],
] as const;
let next = 0;
async function keep(): Promise<void> {
  while (next < Number(count)) {
    const target = `/${next++}`;
    const request = { method: "POST", target, fields, body: JSON.stringify({ target, text: "outrigger" }) };
    await open.store.add(
      randomUUID().replaceAll("-", ""),
      request,
      { delay: 0, priority: 0, attempts: null },
      null,
    );
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, keep));
await open.close();
