/** Keeps so many requests as jobs, as a front does: backlog.js REDIS QUEUE COUNT. Their targets are /0, /1 and so on. */
import { createMetrics, systemClock } from "@outrigger/core";
import { openRedis } from "../backend/redis-backend.ts";
import { Cancellations, cancellationsOf } from "../queue/cancellations.ts";
import { JobStore } from "../queue/job-store.ts";

const AT_ONCE = 500;

const [url = "", queue = "", count = "0"] = process.argv.slice(2);
const backend = await openRedis(url, []);
const cancellations = new Cancellations(null, backend.openEventsProducer(cancellationsOf(queue)));
const options = { queue, attempts: 5, storeTimeout: 60_000, idempotencyWindow: 1_000 };
const onError = (error: Error): void => void process.stderr.write(`${error.message}\n`);
const deps = { clock: systemClock, metrics: createMetrics(), cancellations, onError };
const store = new JobStore(backend, options, deps);
const fields = [
  ["host", "soak"],
  ["content-type", "application/json"],
  ["user-agent", "soak/1"],
] as const;
let next = 0;
async function keep(): Promise<void> {
  while (next < Number(count)) {
    const target = `/${next++}`;
    await store.add({ method: "POST", target, fields, body: JSON.stringify({ target, text: "outrigger" }) });
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, keep));
await backend.close();
