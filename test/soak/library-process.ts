/**
 * The ambassador as a library in a process of its own, reloaded again and again between requests: what is left over in
 * timers, handles and heap? library-process.js WARM-UP RELOADS BACKEND [BACKEND ...]; needs --expose-gc.
 */
import { get } from "node:http";
import { createAmbassador, parseAmbassadorConfig, type AmbassadorInput } from "@outrigger/ambassador";

const [warmUp = "0", reloads = "0", ...endpoints] = process.argv.slice(2);
const collect = (globalThis as { gc?: () => void }).gc;
if (!collect) throw new Error("run with --expose-gc");

const ambassador = createAmbassador(variant(0));
await ambassador.start();
const port = Number(ambassador.listeners[0]?.addresses[0]?.split(":")[1]);

for (let number = 0; number < Number(warmUp); number++) await step(number);
const before = await look();
for (let number = 0; number < Number(reloads); number++) await step(number);
const after = await look();
await ambassador.stop();
process.send?.({ before, after, left: resources() });
process.disconnect();

/** In turn: as it was; one endpoint less; other settings with active checks; a second route, which the next one drops. */
function variant(number: number): AmbassadorInput {
  const route = { name: "catalog", listen: "127.0.0.1:0", protocol: "http" as const, endpoints };
  const routes = [
    [route],
    [{ ...route, endpoints: endpoints.slice(1) }],
    [{ ...route, retries: 5, balance: "round-robin" as const, health: "tcp" }],
    [route, { ...route, name: "second" }],
  ];
  return { routes: routes[number % routes.length] ?? [] };
}

async function step(number: number): Promise<void> {
  await ambassador.reload(parseAmbassadorConfig(variant(number)));
  await ask(number + 1);
}

function ask(id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path: `/${id}/200/sized`, agent: false }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`request ${id} was answered ${response.statusCode}`));
      });
    });
    request.on("error", reject);
  });
}

/** As it is when nothing has happened for longer than anything idle is kept (upstreamIdleTimeout: 4 s). */
async function look(): Promise<{ resources: Record<string, number>; heap: number }> {
  await step(0);
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  collect?.();
  await new Promise((resolve) => setImmediate(resolve));
  collect?.();
  return { resources: resources(), heap: process.memoryUsage().heapUsed };
}

function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
