/** Who the queue's bench compares, each on a backend of its run: our containers, and what one would write by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  freePort,
  noPostgresServer,
  noRedisServer,
  PostgresServer,
  RedisServer,
} from "@outrigger/core/testing";
import { OURS } from "./result.ts";
import { cpuMicroseconds, Spawned } from "./spawned.ts";

/** Whose CPU counts; the driver and the backend have the other one. */
const QUEUE_CPU = 0;
export const DRIVER_CPU = 1;
export const CONCURRENCY = 16;

export interface Programs {
  readonly node: string;
  /** Our container's entry. */
  readonly bin: string;
  /** The peer's program. */
  readonly minimal: string;
}

export interface Side {
  readonly name: string;
  /** Starts what takes requests at the port and gives them to the workload. */
  start(programs: Programs, port: number, workload: string): Promise<Spawned[]>;
}

export interface BenchBackend {
  readonly name: string;
  /** As a part of the others' jobs: what is slower is given fewer. */
  readonly share: number;
  readonly sides: readonly Side[];
  /** Of its own processes, so far; null: it is within ours. */
  cpuMicroseconds(): number | null;
  end(): Promise<void>;
}

export interface BackendKind {
  readonly name: string;
  /** false, or why it cannot be had here. */
  readonly missing: string | false;
  open(): Promise<BenchBackend>;
}

export const BACKENDS: readonly BackendKind[] = [
  { name: "Redis", missing: noRedisServer, open: openRedis },
  { name: "Postgres", missing: noPostgresServer, open: openPostgres },
  { name: "embedded", missing: false, open: openEmbedded },
];

async function openRedis(): Promise<BenchBackend> {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  return {
    name: "Redis",
    share: 1,
    sides: [frontAndWorker(redis.url), minimal(redis.url)],
    cpuMicroseconds: () => cpuMicroseconds(redis.pid),
    end: () => redis.end(),
  };
}

async function openPostgres(): Promise<BenchBackend> {
  const postgres = await PostgresServer.start();
  return {
    name: "Postgres",
    share: 0.2,
    sides: [frontAndWorker(postgres.url)],
    cpuMicroseconds: () => cpuMicroseconds(postgres.pid, "and its children"),
    end: () => postgres.end(),
  };
}

async function openEmbedded(): Promise<BenchBackend> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  return {
    name: "embedded",
    share: 0.1,
    sides: [
      {
        name: OURS,
        start: async (programs, port, workload) => [
          await ours(programs, `embedded:${folder}`, "both", workload, port),
        ],
      },
    ],
    cpuMicroseconds: () => null,
    end: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function frontAndWorker(backend: string): Side {
  return {
    name: OURS,
    start: async (programs, port, workload) => [
      await ours(programs, backend, "front", workload, port),
      await ours(programs, backend, "worker", workload, port),
    ],
  };
}

async function ours(
  { node, bin }: Programs,
  backend: string,
  role: string,
  workload: string,
  port: number,
): Promise<Spawned> {
  const probe = await freePort();
  const queue = new Spawned(`outrigger ${role}`, QUEUE_CPU, node, [
    ...[bin, "--role", role, "--backend", backend, "--workload", workload, "--queue", "ours"],
    ...["--concurrency", String(CONCURRENCY), "--listen", `127.0.0.1:${port}`],
    ...["--probe", `127.0.0.1:${probe}`, "--control", "off"],
  ]);
  return queue.listening(role === "worker" ? probe : port);
}

function minimal(redis: string): Side {
  return {
    name: "node:http + BullMQ",
    start: async ({ node, minimal: script }, port, workload) => {
      const front = [script, "front", redis, "minimal", String(port)];
      const worker = [script, "worker", redis, "minimal", workload, String(CONCURRENCY)];
      return [
        await new Spawned("minimal front", QUEUE_CPU, node, front).listening(port),
        new Spawned("minimal worker", QUEUE_CPU, node, worker),
      ];
    },
  };
}
