/**
 * A queue's backend is in trouble for a while, under load: its disk or its memory is full, it is stopped, it is restarted. Whoever
 * is told 202 is told the truth, others are told why not, and it goes on.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { Redis } from "ioredis";
import { span, until } from "../../support/polling.ts";
import { isGone, judgedBy, launch, LOCK, now, REMOVE, startWorkload, type Address } from "./actors.ts";
import { Callers, outcomesOf } from "./callers.ts";
import { judgeQueue } from "./judge.ts";
import { readJournal } from "./journal.ts";
import type { QueueResult } from "./scenario.ts";

/** A full disk; of redis-always: below one that fsyncs each write; of blobs: below large bodies, beside a Redis that has room. */
export type FullDisk = "redis" | "redis-always" | "blobs" | "postgres" | "embedded";
/** paused: for longer than a lock lasts. memory: what it has is above maxmemory, and it evicts nothing. */
export type Trouble = `full-${FullDisk}` | "redis-memory" | "redis-paused" | "postgres-restarted";

const MEGABYTES: Partial<Record<Trouble, number>> = {
  "full-redis": 4,
  "full-redis-always": 4,
  "full-blobs": 4,
  "full-postgres": 128,
  "full-embedded": 256,
};
/** Whose process ends then: started again it goes on. No other's may. */
const ENDS: Partial<Record<Trouble, string>> = {
  "full-redis-always": "backend",
  "full-postgres": "backend",
  "full-embedded": "both",
  "postgres-restarted": "backend",
};
/** Milliseconds of load before, while and after there is trouble. */
const BEFORE = 1_000;
const TROUBLE = 3 * LOCK;
const AFTER = 3_000;

interface Process {
  readonly role: string;
  hasEnded(): boolean;
  startAgain(): Promise<void>;
}

const NOTHING: QueueResult = { seconds: 0, requests: 0, accepted: 0, repeated: 0, faults: {}, broken: [] };

export async function playTrouble(what: Trouble): Promise<QueueResult> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-queue-disk-"));
  chmodSync(folder, 0o755);
  const began = performance.now();
  const disk = join(folder, "disk");
  const journal = join(folder, "work");
  const ends: (() => unknown)[] = [() => rmSync(folder, REMOVE)];
  try {
    mkdirSync(disk);
    const size = MEGABYTES[what];
    if (size !== undefined) {
      const failure = mount(disk, size);
      if (failure !== null) return { ...NOTHING, skipped: failure };
      ends.push(() => spawnSync("umount", ["-l", disk]));
    }
    const server = await startOn(what, disk);
    if (server) ends.push(() => server.end());
    const workloadPort = await freePort();
    const workload = await startWorkload(workloadPort, journal);
    ends.push(() => workload.crash());
    const fronts: number[] = [];
    const open = async (role: string): Promise<Process> => {
      const at: Address = {
        ...{ address: server?.url ?? `embedded:${disk}`, workloadPort },
        ...{ listen: await freePort(), probe: await freePort() },
        ...(what === "full-blobs" && { blobs: `folder:${disk}` }),
      };
      if (role !== "worker") fronts.push(at.listen);
      let running = await launch(role, at);
      ends.push(() => running.crash());
      return {
        role,
        hasEnded: () => running.hasEnded(),
        startAgain: async () => {
          running = await launch(role, at);
        },
      };
    };
    const ours: Process[] = [];
    for (const role of server ? ["front", "worker"] : ["both"]) ours.push(await open(role));

    const callers = new Callers(fronts, what === "full-blobs" ? 100_000 : 0);
    callers.start();
    await until("jobs are kept", () => callers.accepted.length > 0);
    await span(BEFORE);
    const from = now();
    if (size !== undefined) fill(join(disk, "filler"));
    else if (what === "redis-memory") await limitMemory(server?.url ?? "", 1);
    else server?.kill(what === "redis-paused" ? "SIGSTOP" : "SIGINT");
    await span(TROUBLE);
    rmSync(join(disk, "filler"), { force: true });
    if (what === "redis-memory") await limitMemory(server?.url ?? "", 0);
    server?.kill("SIGCONT");
    // Whatever could not go on is started again; all else goes on by itself.
    const all: Process[] = [
      { role: "workload", hasEnded: () => workload.hasEnded(), startAgain: () => Promise.resolve() },
      ...ours,
    ];
    if (server)
      all.unshift({
        ...{ role: "backend", hasEnded: () => isGone(server.pid) },
        startAgain: () => server.startAgain(),
      });
    const ended = all.filter(({ hasEnded }) => hasEnded());
    for (const { startAgain } of ended) await startAgain();
    const kept = callers.accepted.length;
    await until("jobs are kept again", () => callers.accepted.length > kept, 30_000);
    const to = now();
    await span(AFTER);
    await callers.stop();
    const { accepted, requests, refused } = callers;
    const outcomes = await outcomesOf(accepted, fronts[0] as number);
    const work = readJournal(journal);
    const faults = [{ what, who: "backend", how: "stopped", from, to }] as const;
    const { repeated, ...verdict } = judgeQueue({ accepted, outcomes, work, faults, ...judgedBy(1) });
    // One that has ended since, too.
    const unasked = [
      ...ended.filter(({ role }) => role !== ENDS[what]),
      ...all.filter(({ hasEnded }) => hasEnded()),
    ];
    const broken = [
      ...verdict.broken,
      ...unasked.map(({ role }) => `${role} ended, and nobody had ended it`),
    ];
    if (refused.size === 0) broken.push("no caller was refused: there was no trouble");
    for (const why of refused.keys()) if (!/^(429|503) /.test(why)) broken.push(`a caller was told ${why}`);
    return {
      seconds: Math.round((performance.now() - began) / 1_000),
      ...{ requests, accepted: accepted.length, repeated },
      faults: {
        [what]: 1,
        ...Object.fromEntries(ended.map(({ role }) => [`end of ${role}`, 1])),
        ...Object.fromEntries([...refused].map(([why, count]) => [`told ${why}`.slice(0, 160), count])),
      },
      broken,
    };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** @returns why not; null: it is */
function mount(path: string, megabytes: number): string | null {
  const options = ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=1777`, "tmpfs", path];
  const { status, stderr } = spawnSync("mount", options, { encoding: "utf8" });
  return status === 0 ? null : `a file system of a small size cannot be mounted: ${stderr ?? "no mount"}`;
}

/** Until there is no byte left. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const block = Buffer.alloc(1 << 20); ;) writeSync(file, block);
  } catch {
    // It is full.
  } finally {
    closeSync(file);
  }
}

/** @param bytes 0: as much as it likes */
async function limitMemory(url: string, bytes: number): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.config("SET", "maxmemory", bytes);
  } finally {
    redis.disconnect();
  }
}

async function startOn(what: Trouble, disk: string): Promise<RedisServer | PostgresServer | null> {
  if (what === "full-embedded") return null;
  if (what === "full-postgres" || what === "postgres-restarted") return PostgresServer.start(disk);
  const fsync = what === "full-redis-always" ? "always" : "everysec";
  return RedisServer.start([
    ...["--appendonly", "yes", "--appendfsync", fsync],
    ...(what === "full-blobs" ? [] : ["--dir", disk]),
  ]);
}
