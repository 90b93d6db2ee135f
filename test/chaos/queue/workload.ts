/** The workload of the queue's chaos: PORT JOURNAL. Writes down each request before it does it, and each that it has answered. */
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const [port, journal] = process.argv.slice(2) as [string, string];
const file = openSync(journal, "a");
const note = (what: "begins" | "ended", id: string, job: unknown): void =>
  void writeSync(file, `${JSON.stringify({ what, id, job, at: Number(process.hrtime.bigint()) })}\n`);

createServer((request, response) => {
  const job = request.headers["outrigger-job"];
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    // The caller's number, and in a large body more.
    const id = body.split(" ", 1)[0] as string;
    note("begins", id, job);
    // Most are quick; some are under way whenever something fails.
    setTimeout(
      () => {
        note("ended", id, job);
        response.end(`done ${id}, ${body.length}`);
      },
      Math.random() < 0.9 ? Math.random() * 20 : Math.random() * 400,
    );
  });
}).listen(Number(port), "127.0.0.1", () => process.send?.("ready"));
