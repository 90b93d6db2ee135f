/**
 * A backlog on Redis, and both roles of the queue beside it: their memory stays flat and their metrics come at once, while it is
 * made, and while it is worked off until it is empty. Callers wait for answers all the time. Each job comes to the workload once.
 */
import { spawn } from "node:child_process";
import { Agent, createServer, get, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { freePort, noRedisServer, RedisServer } from "@outrigger/core/testing";
import { span, until } from "../support/polling.ts";
import { Program } from "../support/program.ts";
import { MemorySampler, type MemoryCourse } from "./memory.ts";
import type { BacklogResult } from "./result.ts";

/** Seen from test/dist/soak. */
const PACKAGE = "../../../packages/work-queue";
const BIN = fileURLToPath(new URL(`${PACKAGE}/bin/outrigger-work-queue.js`, import.meta.url));
const BACKLOG = fileURLToPath(new URL(`${PACKAGE}/dist/testing/backlog.js`, import.meta.url));

/** As the image, in a container of 256 MiB. */
const NODE_FLAGS = ["--max-old-space-size=128", "--expose-gc"];
const QUEUE = "soak";
/** Milliseconds under load, after which memory is compared; a front is warmed by so many callers. */
const WARM_UP = 8_000;
const HURRY = 20;
const SCRAPE_EVERY = 250;
/** Requests of callers all the time: so many a second, each waiting so many seconds for its answer. */
const PER_SECOND = 10;
const WAIT_SECONDS = 5;
/** What it may take, for each job. */
const PATIENCE_PER_JOB = 10;

export async function soakQueue(short: boolean, say: (text: string) => void): Promise<BacklogResult> {
  if (noRedisServer !== false) throw new Error(noRedisServer);
  const jobs = short ? 20_000 : 1_000_000;
  const patience = 60_000 + jobs * PATIENCE_PER_JOB;
  const redis = await RedisServer.start(["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]);
  const workload = await CountingWorkload.start();
  const running: Container[] = [];
  let callers: Callers | null = null;
  try {
    const front = await Container.start("front", redis.url, workload.url);
    running.push(front);
    callers = new Callers(front.port);
    await callers.hurry(HURRY, short ? WARM_UP : 3 * WARM_UP);
    front.settled();
    const backlog = Program.node("backlog", BACKLOG, [redis.url, QUEUE, String(jobs)]);
    const { code } = await backlog.exited;
    if (code !== 0) throw new Error(`the backlog was not made:\n${backlog.output}`);
    await until("the front knows of the backlog", async () => (await front.waiting()) >= jobs);
    say(`     ${jobs} jobs wait\n`);
    const worker = await Container.start("worker", redis.url, workload.url);
    running.push(worker);
    const began = performance.now();
    await span(short ? WARM_UP : 3 * WARM_UP);
    worker.settled();
    await until("the backlog is worked off", () => workload.seen.size >= jobs, patience);
    const seconds = Math.round((performance.now() - began) / 1_000);
    const requests = await callers.end();
    await until("no job is left", async () => (await front.unfinished()) === 0, patience);
    return {
      kind: "queue",
      jobs,
      seconds,
      requests,
      failures: callers.failures,
      // Of the backlog, and of callers.
      missing: jobs + requests - workload.seen.size,
      repeated: workload.repeated,
      processes: running.map((container) => container.end()),
    };
  } finally {
    await callers?.end();
    for (const container of running) await container.program.end();
    await workload.end();
    await redis.end();
  }
}

/** One role, as its image starts it; its memory and its metrics are looked at four times a second. */
class Container {
  readonly name: string;
  readonly program: Program;
  readonly port: number;
  readonly #probe: number;
  readonly #sampler: MemorySampler;
  readonly #timer: NodeJS.Timeout;
  /** Milliseconds that /metrics took. */
  #scrapes: number[] = [];

  private constructor(name: string, program: Program, port: number, probe: number) {
    this.name = name;
    this.program = program;
    this.port = port;
    this.#probe = probe;
    this.#sampler = new MemorySampler(program);
    this.#timer = setInterval(() => void this.#scrape().catch(() => {}), SCRAPE_EVERY);
  }

  static async start(role: "front" | "worker", redis: string, workload: string): Promise<Container> {
    const [port, probe] = [await freePort(), await freePort()];
    const words = [
      ...["--role", role, "--backend", redis, "--queue", QUEUE, "--workload", workload],
      ...["--concurrency", "16", "--listen", `127.0.0.1:${port}`],
      ...["--probe", `127.0.0.1:${probe}`, "--control", "off"],
    ];
    // Finished jobs go soon: it is the backlog that is looked at.
    const settings = "{maxDepth: 2000000, keepAnswers: 1m, idempotencyWindow: 1m}";
    const child = spawn(process.execPath, [...NODE_FLAGS, BIN, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, OUTRIGGER_CONFIG: settings },
    });
    const program = new Program(role, child);
    await until(`the ${role} is ready`, () => {
      if (!program.alive) throw new Error(`the ${role} ended:\n${program.output}`);
      return program.output.includes('"msg":"ready"');
    });
    return new Container(role, program, port, probe);
  }

  /** What comes is compared with how it is now. */
  settled(): void {
    this.#sampler.setBase();
    this.#scrapes = [];
  }

  async waiting(): Promise<number> {
    return jobsIn(await this.#scrape(), "waiting");
  }

  async unfinished(): Promise<number> {
    const text = await this.#scrape();
    return ["waiting", "delayed", "running"].reduce((sum, state) => sum + jobsIn(text, state), 0);
  }

  end(): { name: string; memory: MemoryCourse; scrapes: number; scrapeP99: number; scrapeMax: number } {
    clearInterval(this.#timer);
    const sorted = [...this.#scrapes].sort((a, b) => a - b);
    return {
      name: this.name,
      memory: this.#sampler.stop(),
      scrapes: sorted.length,
      scrapeP99: sorted[Math.floor(sorted.length * 0.99)] ?? NaN,
      scrapeMax: sorted.at(-1) ?? NaN,
    };
  }

  #scrape(): Promise<string> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const call = get({ host: "127.0.0.1", port: this.#probe, path: "/metrics" }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        response.on("end", () => {
          this.#scrapes.push(performance.now() - began);
          resolve(text);
        });
        response.on("error", reject);
      });
      call.on("error", reject);
    });
  }
}

function jobsIn(metrics: string, state: string): number {
  return Number(new RegExp(`^outrigger_queue_jobs\\{state="${state}"\\} (\\d+)$`, "m").exec(metrics)?.[1]);
}

/** Sends requests all the time, which wait for their answers; each must be answered, by the workload or with 202. */
class Callers {
  readonly failures: string[] = [];
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #timer: NodeJS.Timeout;
  readonly #calls = new Set<Promise<void>>();
  #count = 0;

  constructor(port: number) {
    this.#port = port;
    this.#timer = setInterval(() => {
      const call = this.#call(`wait=${WAIT_SECONDS}`).then(() => void this.#calls.delete(call));
      this.#calls.add(call);
    }, 1_000 / PER_SECOND);
  }

  /** So many more at once for so long, each as soon as the one before is answered; they wait for nothing. */
  async hurry(callers: number, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    const caller = async (): Promise<void> => {
      while (performance.now() < end) await this.#call("respond-async");
    };
    await Promise.all(Array.from({ length: callers }, caller));
  }

  /** @returns how many requests there were */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await Promise.all(this.#calls);
    this.#agent.destroy();
    return this.#count;
  }

  #call(prefer: string): Promise<void> {
    const number = this.#count++;
    return new Promise((resolve) => {
      const failed = (detail: string): void => {
        this.failures.push(`request ${number}: ${detail}`);
        resolve();
      };
      const to = { host: "127.0.0.1", port: this.#port, method: "POST", path: `/caller-${number}` };
      const headers = { prefer, "content-length": 0 };
      const call = request({ ...to, headers, agent: this.#agent }, (response) => {
        response.resume();
        if (response.statusCode === 200 || response.statusCode === 202) response.on("close", resolve);
        else failed(`answered ${response.statusCode}`);
      });
      call.on("error", (error) => failed(error.message));
      call.end();
    });
  }
}

/** Knows each target that it was asked for. */
class CountingWorkload {
  readonly seen = new Set<string>();
  repeated = 0;
  readonly #server: Server = createServer((incoming, response) => {
    const target = incoming.url as string;
    if (this.seen.has(target)) this.repeated++;
    this.seen.add(target);
    incoming.resume().on("end", () => response.end("done"));
  });

  static async start(): Promise<CountingWorkload> {
    const workload = new CountingWorkload();
    await new Promise<void>((resolve) => workload.#server.listen(0, "127.0.0.1", () => resolve()));
    return workload;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
