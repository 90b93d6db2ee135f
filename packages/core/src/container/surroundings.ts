/** What the container can tell of where it runs, and should be warned of or refuse. */
import { readFile, realpath } from "node:fs/promises";
import { getHeapStatistics } from "node:v8";
import { isMountPoint } from "../config/watch-file.ts";
import { OutriggerError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";

/**
 * A pod with hostNetwork has its node's loopback: the control server and every egress listener would be open to all
 * processes of the node. A container cannot see this by itself; the downward API can say it (status.hostIP and
 * status.podIP as HOST_IP and POD_IP, which `inject` adds). Where they are not given, nothing is detected.
 * @throws OutriggerError `host-network`
 */
export function refuseHostNetwork(env: NodeJS.ProcessEnv, allowed: boolean): void {
  const { HOST_IP: host, POD_IP: pod } = env as Readonly<Record<"HOST_IP" | "POD_IP", string | undefined>>;
  if (allowed || !host || host !== pod) return;
  throw new OutriggerError(
    "host-network",
    `HOST_IP and POD_IP are both ${host}: this pod has hostNetwork, so every process of the node reaches our ports on 127.0.0.1; remove hostNetwork, or accept it with --allow-host-network`,
  );
}

/**
 * V8 fixes its heap limit when the process starts, before any of our code: measured, setFlagsFromString leaves it as it
 * was. Under a memory limit of 128 MiB, Node 20.20 and 24.21 allow themselves a heap of 259 MiB, so that the kernel
 * kills what the garbage collector would have kept alive; a child with another flag would cost a second process. So
 * the image's entry point carries the flag: `node --max-old-space-size-percentage=50` (Node 24; 67 MiB there), or
 * `--max-old-space-size` in MiB where Node is older. The other half is for buffers, which are not on the heap, and
 * for Node itself. Here we only look, and say so.
 */
export function warnOfHeapLimit(
  log: Logger,
  memoryLimit: number | undefined = process.constrainedMemory(),
): void {
  const heapLimit = getHeapStatistics().heap_size_limit;
  // No limit reads as 0, undefined, or something near 2^63 (cgroup v1).
  if (memoryLimit === undefined || memoryLimit <= 0 || memoryLimit > 2 ** 50 || heapLimit < memoryLimit * 0.9)
    return;
  const advised = Math.floor(memoryLimit / 2 ** 20 / 2);
  log.warn(
    { heapLimit, memoryLimit },
    `the heap may grow to ${Math.round(heapLimit / 2 ** 20)}Mi and the container has ${Math.round(memoryLimit / 2 ** 20)}Mi: start node with --max-old-space-size=${advised}`,
  );
}

/**
 * A ConfigMap's file that is mounted by subPath keeps the content that it had at the start: somebody who counts on live
 * reload should hear of it.
 */
export async function warnOfSubPath(log: Logger, path: string): Promise<void> {
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  if (!isMountPoint(await realpath(path).catch(() => path), mountinfo)) return;
  log.warn(
    { path },
    "this file is a mount of its own (a subPath?): it will never change, so live reload cannot work; mount its whole directory",
  );
}
