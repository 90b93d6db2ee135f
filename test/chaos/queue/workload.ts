/** The workload of the queue's chaos: PORT JOURNAL. Writes down each request before it does it, and each that it has answered. */
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { WorkEntry } from "./judge.ts";

const [port, journal] = process.argv.slice(2) as [string, string];
const file = openSync(journal, "a");
const note = (entry: Omit<WorkEntry, "at">): number => {
  const at = Number(process.hrtime.bigint());
  writeSync(file, `${JSON.stringify({ ...entry, at })}\n`);
  return at;
};

createServer((request, response) => {
  const job = request.headers["outrigger-job"] as string;
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    // The caller's number, and in a large body more.
    const id = body.split(" ", 1)[0] as string;
    const begun = note({ what: "begins", id, job });
    // Most are quick; some are under way whenever something fails.
    setTimeout(
      () => {
        note({ what: "ended", id, job, begun });
        response.end(`done ${id}, ${body.length}`);
      },
      Math.random() < 0.9 ? Math.random() * 20 : Math.random() * 400,
    );
  });
}).listen(Number(port), "127.0.0.1", () => process.send?.("ready"));
