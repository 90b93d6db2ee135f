/**
 * npm run bench -- http: CPU per request of each proxy, side by side in one run, as shared machines allow: rounds
 * interleaved A B C A B C, medians, ratios to the peer of the same run. Every proxy's answers are checked first.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { httpPeers, LARGE, LOAD_CPU, SMALL, startBackend, type Peer } from "./http-peers.ts";
import type { BenchResult, Workload } from "./result.ts";
import type { Spawned } from "./spawned.ts";

export interface BenchOptions {
  readonly node: string;
  readonly nodeVersion: string;
  readonly bin: string;
  readonly servers: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly isOnPath: (command: string) => boolean;
  readonly say: (text: string) => void;
}

interface HttpWorkload extends Workload {
  readonly path: string;
  readonly connections: number;
  /** Bytes to POST. */
  readonly upload?: number;
  /** Peers that are left out: what they cost is known to be far off, and would only cost time. */
  readonly without?: readonly string[];
}

const MEGABYTE = 1024 * 1024;
const WARM_UP_SECONDS = 4;
const WORKLOADS: readonly HttpWorkload[] = [
  {
    id: "get-small-50",
    title: "GET 104 B, 50 connections",
    path: "/small",
    connections: 50,
    without: ["nginx, 128k buffers"],
    musts: [
      { peer: "nginx", atMost: 1.3, aim: 1.1 },
      { peer: "haproxy", atMost: 1.3, aim: 1.1 },
      { peer: "http-proxy", atMost: 1 / 3.5 },
    ],
  },
  {
    id: "get-small-1",
    title: "GET 104 B, 1 connection",
    path: "/small",
    connections: 1,
    without: ["nginx, 128k buffers"],
    musts: [{ peer: "nginx", atMost: 1.3, aim: 1.05 }],
  },
  {
    id: "get-small-256",
    title: "GET 104 B, 256 connections",
    path: "/small",
    connections: 256,
    without: ["nginx, 128k buffers"],
    musts: [{ peer: "nginx", atMost: 1.3, aim: 1.05 }],
  },
  {
    id: "get-large-50",
    title: "GET 100 KB, 50 connections",
    path: "/large",
    connections: 50,
    musts: [
      { peer: "nginx", atMost: 0.6 },
      { peer: "haproxy", atMost: Infinity, aim: 1 },
    ],
  },
  {
    id: "post-large-16",
    title: "POST 1 MB, 16 connections",
    path: "/upload",
    connections: 16,
    upload: MEGABYTE,
    musts: [{ peer: "nginx", atMost: 1.25, aim: 1 }],
  },
];

export async function benchHttp(options: BenchOptions): Promise<BenchResult> {
  const scratch = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const running: Spawned[] = [];
  try {
    for (const tool of ["wrk", "nginx", "taskset"]) {
      if (!options.isOnPath(tool))
        throw new Error(`${tool} is not on PATH, and the bench cannot do without: npm run setup:peers`);
    }
    const [backendPort, uploadPort] = [await freePort(), await freePort()];
    running.push(
      ...(await startBackend(
        backendPort,
        uploadPort,
        options.node,
        join(options.servers, "upload-sink.js"),
        scratch,
      )),
    );
    const peers = httpPeers(options.node, options.bin, join(options.servers, "http-proxy.js"));
    const missing = peers
      .filter(({ command }) => command !== null && !options.isOnPath(command))
      .map(({ name }) => name);
    for (const name of missing)
      options.say(`MISSING: ${name} is not on PATH and is left out: npm run setup:peers\n`);
    const present = peers.filter(({ name }) => !missing.includes(name));
    const workloads: BenchResult["workloads"][number][] = [];
    for (const workload of WORKLOADS) {
      const chosen = present.filter(({ name }) => !workload.without?.includes(name));
      workloads.push(
        await runWorkload(
          workload,
          chosen,
          workload.upload === undefined ? backendPort : uploadPort,
          scratch,
          options,
          running,
        ),
      );
    }
    return {
      bench: "http",
      node: options.nodeVersion,
      rounds: options.rounds,
      seconds: options.seconds,
      missing,
      workloads,
    };
  } finally {
    await Promise.all(running.map((spawned) => spawned.stop()));
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function runWorkload(
  workload: HttpWorkload,
  peers: readonly Peer[],
  backend: number,
  scratch: string,
  options: BenchOptions,
  running: Spawned[],
): Promise<BenchResult["workloads"][number]> {
  const proxies: {
    name: string;
    port: number;
    spawned: Spawned;
    cpu: number[];
    rate: number[];
    p99: number[];
  }[] = [];
  for (const peer of peers) {
    const port = await freePort();
    const spawned = await peer.start(port, backend, scratch);
    running.push(spawned);
    await checkAnswers(peer.name, port, workload);
    proxies.push({ name: peer.name, port, spawned, cpu: [], rate: [], p99: [] });
  }
  options.say(`${workload.title}\n`);
  // Round 0 warms up and is not counted: a sidecar runs for weeks, and one connection does not get its code compiled soon.
  for (let round = 0; round <= options.rounds; round++) {
    for (const proxy of proxies) {
      const before = proxy.spawned.cpuMicroseconds();
      const load = runWrk(
        proxy.port,
        round === 0 ? { ...workload, connections: Math.max(50, workload.connections) } : workload,
        round === 0 ? WARM_UP_SECONDS : options.seconds,
        scratch,
      );
      const cpu = (proxy.spawned.cpuMicroseconds() - before) / load.requests;
      if (round === 0) continue;
      proxy.cpu.push(cpu);
      proxy.rate.push(load.rate);
      proxy.p99.push(load.p99);
      options.say(
        `  round ${round} ${proxy.name.padEnd(20)} ${cpu.toFixed(1).padStart(7)} us/request  ${Math.round(load.rate)}/s\n`,
      );
    }
  }
  for (const { spawned } of proxies) await spawned.stop();
  const { id, title, musts } = workload;
  return {
    id,
    title,
    musts,
    peers: proxies.map(({ name, cpu, rate, p99 }) => ({
      name,
      cpuMicroseconds: median(cpu),
      perSecond: median(rate),
      p99Milliseconds: median(p99),
      all: cpu,
    })),
  };
}

/** Bounded in time; one thread, so that it stays on its CPU. Throws when an answer was not what it must be. */
function runWrk(
  port: number,
  workload: HttpWorkload,
  seconds: number,
  scratch: string,
): { requests: number; rate: number; p99: number } {
  const script = join(scratch, `${workload.id}.lua`);
  const upload =
    workload.upload === undefined
      ? ""
      : `wrk.method = "POST"\nwrk.body = string.rep("x", ${workload.upload})\n`;
  writeFileSync(
    script,
    `${upload}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration, e.connect + e.timeout, e.read, e.write, e.status, latency:percentile(99)))
end
`,
  );
  const args = [
    "-c",
    String(LOAD_CPU),
    "wrk",
    "-t1",
    `-c${workload.connections}`,
    `-d${seconds}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    `http://127.0.0.1:${port}${workload.path}`,
  ];
  const wrk = spawnSync("taskset", args, { encoding: "utf8" });
  const result = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(wrk.stdout);
  if (!result) throw new Error(`wrk printed no result:\n${wrk.stdout}${wrk.stderr}`);
  const [requests, microseconds, connect, read, write, status, p99] = result.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (connect + read + write + status > 0)
    throw new Error(
      `wrk saw errors on port ${port}: connect or timeout ${connect}, read ${read}, write ${write}, status ${status}`,
    );
  return { requests, rate: (requests / microseconds) * 1e6, p99: p99 / 1000 };
}

/** A proxy that answers wrongly is fast: no figure is believed before its answers were. */
async function checkAnswers(name: string, port: number, workload: HttpWorkload): Promise<void> {
  const expected =
    workload.upload === undefined
      ? workload.path === "/large"
        ? LARGE
        : Buffer.from(SMALL)
      : Buffer.from(String(workload.upload));
  for (let n = 0; n < 3; n++) {
    const { status, body } = await new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const call = request(
        {
          host: "127.0.0.1",
          port,
          path: workload.path,
          method: workload.upload === undefined ? "GET" : "POST",
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
          );
          response.on("error", reject);
        },
      );
      call.on("error", reject);
      call.end(workload.upload === undefined ? undefined : Buffer.alloc(workload.upload, "x"));
    });
    if (status !== 200 || !body.equals(expected))
      throw new Error(
        `${name} answered ${workload.path} wrongly: status ${status}, ${body.length} bytes instead of ${expected.length}`,
      );
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
