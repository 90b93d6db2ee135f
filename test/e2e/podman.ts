/** podman by argv, and what of a container only the kernel knows: its memory, its pid. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** @throws with what podman said */
export function podman(...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("podman", [...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`podman ${args.join(" ")} failed: ${stderr.trim() || error.message}`));
      else resolve(stdout.trim());
    });
  });
}

export interface ContainerState {
  readonly id: string;
  readonly pid: number;
  readonly running: boolean;
  readonly exitCode: number;
  readonly restarts: number;
  readonly startedAt: string;
}

export async function inspect(container: string): Promise<ContainerState> {
  const [found] = JSON.parse(await podman("container", "inspect", container)) as [
    {
      Id: string;
      RestartCount?: number;
      State: { Pid: number; Running: boolean; ExitCode: number; StartedAt: string };
    },
  ];
  const { Id: id, State: state, RestartCount: restarts = 0 } = found;
  return {
    id,
    pid: state.Pid,
    running: state.Running,
    exitCode: state.ExitCode,
    restarts,
    startedAt: state.StartedAt,
  };
}

/** The address of a pod on podman's network: that of its infra container. */
export async function podAddress(pod: string): Promise<string> {
  const infra = await podman("pod", "inspect", "--format", "{{.InfraContainerID}}", pod);
  const text = await podman(
    "inspect",
    "--format",
    "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}",
    infra,
  );
  const address = text.split(" ").find((word) => word !== "");
  if (address === undefined) throw new Error(`pod ${pod} has no address: is it running?`);
  return address;
}

export interface Memory {
  readonly limit: number;
  readonly peak: number;
  /** What the kernel cannot take back. */
  readonly anonymous: number;
  readonly oomKills: number;
}

/** Bytes, of the container's cgroup; version 1 and 2. */
export function memoryOf(pid: number): Memory {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const v1 = lines.map((line) => /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.+)$/.exec(line)?.[1]).find(Boolean);
  const v2 = lines.map((line) => /^0::(.+)$/.exec(line)?.[1]).find(Boolean);
  const folder = v1 === undefined ? `/sys/fs/cgroup${v2}` : `/sys/fs/cgroup/memory${v1}`;
  const read = (file: string): string => readFileSync(`${folder}/${file}`, "utf8").trim();
  const count = (file: string, key: string): number =>
    Number(new RegExp(`^${key} (\\d+)$`, "m").exec(read(file))?.[1] ?? NaN);
  if (v1 !== undefined)
    return {
      limit: Number(read("memory.limit_in_bytes")),
      peak: Number(read("memory.max_usage_in_bytes")),
      anonymous: count("memory.stat", "total_rss"),
      oomKills: count("memory.oom_control", "oom_kill"),
    };
  // memory.peak came with Linux 5.19.
  const peak = existsSync(`${folder}/memory.peak`) ? Number(read("memory.peak")) : NaN;
  return {
    limit: Number(read("memory.max")),
    peak,
    anonymous: count("memory.stat", "anon"),
    oomKills: count("memory.events", "oom_kill"),
  };
}
