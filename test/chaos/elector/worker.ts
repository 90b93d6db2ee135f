/**
 * The child of an elector: unmodified work that runs while its elector leads. It acts all the time, by the token that it was
 * started with, and writes down when.
 *
 * worker.js JOURNAL RESOURCE
 */
import { openSync, writeSync } from "node:fs";
import { connect } from "node:net";

const ACT_EVERY = 3;

const [journalFile = "", resourcePath = ""] = process.argv.slice(2);
const journal = openSync(journalFile, "a");
const token = process.env["OUTRIGGER_TOKEN"] ?? "";
const note = (kind: string): void => {
  const at = process.hrtime.bigint();
  writeSync(journal, `${kind} ${at} ${at} ${token}\n`);
};

note("acquired");
const resource = connect(resourcePath);
resource.on("error", () => {});
setInterval(() => {
  note("believed");
  resource.write(`${token}\n`);
}, ACT_EVERY);
