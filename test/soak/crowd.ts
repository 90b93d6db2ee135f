/**
 * As a process of its own, because its connections count against its own limit of files: a crowd of connections, each
 * of which makes a request now and then. Opens them in small groups, says when all are open, and closes when told.
 *
 * crowd.js PORT CONNECTIONS
 */
import { until } from "../support/polling.ts";
import { Workload } from "../support/workload.ts";
import { failureLines } from "./failure-lines.ts";

/** Each connection asks once in 10 to 20 seconds. */
const PAUSE = 10_000;
/** Connecting at once: well below a listener's backlog. */
const GROUP = 200;

const [port = 0, connections = 0] = process.argv.slice(2).map(Number);
const crowd = new Workload({
  port,
  connections,
  patience: 60_000,
  pause: () => PAUSE * (1 + Math.random()),
});

function tell(): void {
  process.send?.({
    connected: crowd.connected,
    requests: crowd.sent,
    failures: failureLines(crowd),
    refused: crowd.refused,
  });
}

process.on("message", (message: "tell" | "close") => {
  if (message === "tell") tell();
  else void crowd.stop().then(tell);
});
process.on("disconnect", () => process.exit(0));

for (let opened = 0; opened < connections; opened += GROUP) {
  crowd.grow(Math.min(GROUP, connections - opened));
  const wanted = Math.min(connections, opened + GROUP);
  await until(`${wanted} connections are open`, () => crowd.connected === wanted, 60_000);
}
await until(
  "each has made a request",
  () => crowd.took.length + crowd.failures.length >= connections,
  60_000,
);
tell();
