/**
 * A candidate as a process. Every few milliseconds it asks whether it leads; where it does, it writes that down and acts, a
 * moment later, on the resource. Its journal is written with one system call a line, so that it survives kill -9.
 *
 * contender.js STORE ID JOURNAL RESOURCE [cached]
 * `cached`: the mistake that the checker must find. It asks what it was told last, instead of asking at each act.
 */
import { openSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { createBootClock, silentLogger } from "@outrigger/core";
import { Candidate, FileStore, RedisStore, type LeaseStore } from "@outrigger/leader-elector";
import { ELECTION, TIMING } from "./timing.ts";

const ASK_EVERY = 3;

const [where = "", id = "", journalFile = "", resourcePath = "", mistake = ""] = process.argv.slice(2);
const journal = openSync(journalFile, "a");
/** CLOCK_MONOTONIC: the same for all processes of the machine. */
const now = (): bigint => process.hrtime.bigint();
const note = (...words: readonly (string | bigint)[]): void =>
  void writeSync(journal, `${words.join(" ")}\n`);

const store: LeaseStore = where.startsWith("file:")
  ? new FileStore(where.slice("file:".length), ELECTION)
  : new RedisStore(where, ELECTION);

const candidate = new Candidate({
  id,
  timing: TIMING,
  clock: createBootClock(),
  log: silentLogger,
  store: {
    read: (signal) => store.read(signal),
    async write(record, over, acquires, signal) {
      const sent = now();
      const written = await store.write(record, over, acquires, signal);
      const answered = now();
      // Before the candidate hears of it, so that no belief comes before its reason.
      if (written !== null && record.holder !== "")
        note(acquires ? "acquired" : "renewed", sent, answered, written.token);
      return written;
    },
  },
});
let told = candidate.standing;
candidate.onChange((standing) => (told = standing));

const resource = connect(resourcePath);
resource.on("error", () => {});
let meantToAct: bigint | null = null;
const timer = setInterval(() => {
  if (meantToAct !== null) resource.write(`${meantToAct}\n`);
  const before = now();
  const { token } = mistake === "cached" ? told : candidate.standing;
  const after = now();
  meantToAct = token;
  if (token !== null) note("believed", before, after, token);
}, ASK_EVERY);

process.on("SIGTERM", () => {
  void candidate.stop(AbortSignal.timeout(2_000)).then(() => {
    clearInterval(timer);
    process.exit(0);
  });
});
process.on("disconnect", () => process.exit(0));
candidate.start();
process.send?.("up");
