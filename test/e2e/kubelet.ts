/**
 * The kubelet's part, which podman's `kube play` does not play: starts a pod's containers in order, asks probes, calls
 * hooks, stops in order. kubelet up FILE [NAME] | down NAME | ready NAME | address NAME | kill NAME CONTAINER |
 * status NAME.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/polling.ts";
import { inspect, memoryOf, podAddress, podman } from "./podman.ts";
import { PAUSE, playedPod, type HttpGet, type PlayedContainer, type PlayedPod } from "./pod-spec.ts";

/** What it knows of the pods that it started, in the folder where it is called. */
const STATE = ".kubelet";
const PATIENCE = 60_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const containerName = (pod: PlayedPod, container: PlayedContainer): string => `${pod.name}-${container.name}`;

function recall(name: string): PlayedPod {
  return JSON.parse(readFileSync(join(STATE, `${name}.json`), "utf8")) as PlayedPod;
}

async function up(file: string, name?: string): Promise<void> {
  const pause = `localhost/podman-pause:${await podman("version", "--format", "{{.Client.Version}}-{{.Client.Built}}")}`;
  const pod = playedPod(readFileSync(file, "utf8"), { name, pause });
  mkdirSync(STATE, { recursive: true });
  writeFileSync(join(STATE, `${pod.name}.json`), JSON.stringify(pod));
  // A folder of its own: where there is one named like an image, `kube play` takes it for what to build.
  const folder = mkdtempSync(join(tmpdir(), "outrigger-pod-"));
  try {
    writeFileSync(join(folder, "pod.yaml"), pod.yaml);
    await podman("kube", "play", "--quiet", "--start=false", join(folder, "pod.yaml"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await podman("start", `${pod.name}-${PAUSE}`);
  const address = await podAddress(pod.name);
  for (const container of pod.containers) {
    await podman("start", containerName(pod, container));
    if (container.postStart) await podman("exec", containerName(pod, container), ...container.postStart);
    if (container.native && container.startup) await passes(address, container, container.startup);
  }
  await ready(pod);
}

/** Every probe that says when a pod is started and ready passes. */
async function ready(pod: PlayedPod): Promise<void> {
  const address = await podAddress(pod.name);
  for (const container of pod.containers)
    for (const probe of [container.startup, container.readiness])
      if (probe) await passes(address, container, probe);
  say(`pod ${pod.name} is ready`);
}

async function passes(address: string, container: PlayedContainer, probe: HttpGet): Promise<void> {
  await until(
    `${container.name} answers ${probe.path}`,
    async () => {
      const status = await call(address, probe, 1_000).catch(() => 0);
      return status >= 200 && status < 400;
    },
    PATIENCE,
  );
}

function call(address: string, { path, port, httpHeaders = [] }: HttpGet, limit: number): Promise<number> {
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    const request = get({ host: address, port, path, headers, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", reject);
    });
    request.setTimeout(limit, () => request.destroy(new Error(`no answer in ${limit} ms`)));
    request.on("error", reject);
  });
}

/** As a kubelet: the ordinary containers all at once, each its hook and then SIGTERM; then native sidecars, last first. */
async function down(pod: PlayedPod): Promise<void> {
  const address = await podAddress(pod.name);
  const deadline = performance.now() + pod.grace * 1_000;
  const said = new Map<PlayedContainer, string>();
  const stop = async (container: PlayedContainer): Promise<void> => {
    const left = (): number => Math.max(0, deadline - performance.now());
    let hook = "";
    if (container.preStop) {
      const status = await call(address, container.preStop, left()).catch((error: Error) => error.message);
      hook = `preStop answered ${status}, `;
    }
    const name = containerName(pod, container);
    await podman("stop", "--time", String(Math.ceil(left() / 1_000)), name);
    said.set(container, `${hook}exit code ${(await inspect(name)).exitCode}`);
  };
  await Promise.all(pod.containers.filter(({ native }) => !native).map(stop));
  for (const container of pod.containers.filter(({ native }) => native).reverse()) await stop(container);
  await podman("pod", "rm", "--force", pod.name);
  for (const [container, how] of [...said].sort(([a], [b]) => a.name.localeCompare(b.name)))
    say(`${containerName(pod, container)}: ${how}`);
}

/** SIGKILL past podman, as the kernel's OOM killer or an operator would. */
async function kill(name: string, container: string): Promise<void> {
  const { pid } = await inspect(`${name}-${container}`);
  process.kill(pid, "SIGKILL");
}

async function status(pod: PlayedPod): Promise<void> {
  for (const container of pod.containers) {
    const { running, restarts, pid } = await inspect(containerName(pod, container));
    const { limit, peak, anonymous, oomKills } = memoryOf(pid);
    const limited = limit < 2 ** 50 ? ` of ${megabytes(limit)}` : "";
    say(
      `${containerName(pod, container)}: ${running ? "running" : "not running"}, ${restarts} restarts, ` +
        `memory peak ${megabytes(peak)}${limited}, ${megabytes(anonymous)} anonymous now, ${oomKills} OOM kills`,
    );
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const [action, first, second] = process.argv.slice(2);
try {
  if (action === "up" && first !== undefined) await up(first, second);
  else if (first === undefined) throw new Error("kubelet up FILE [NAME] | down, ready, address, status NAME");
  else if (action === "down") await down(recall(first));
  else if (action === "ready") await ready(recall(first));
  else if (action === "address") say(await podAddress(first));
  else if (action === "status") await status(recall(first));
  else if (action === "kill" && second !== undefined) await kill(first, second);
  else throw new Error(`kubelet does not know ${action}`);
} catch (error) {
  process.stderr.write(`kubelet: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
