/** Runs each pod in a network namespace of its own, by one inner `outrigger run` a pod; joins their lines and exit codes. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
import type { RunOptions } from "./command-line.ts";
import type { Manifest } from "./manifest/load.ts";
import { folderName } from "./pod/plan-pod.ts";
import { hostsFile, INSIDE } from "./pod/own-network.ts";
import { exitCodeOf, ProcessGroup } from "./pod/process-group.ts";
import { Watchdog } from "./pod/watchdog.ts";

/** @param words what starts a command in new namespaces */
export async function runApart(
  options: RunOptions,
  manifest: Manifest,
  words: readonly string[],
  folder: string,
): Promise<number> {
  if (options.files.includes("-")) {
    throw new OutriggerError(
      "usage",
      "with pods in network namespaces each reads the manifest itself: give a file instead of -",
    );
  }
  mkdirSync(folder, { mode: 0o700 });
  const watchdog = new Watchdog(folder);
  let asked = 0;
  const inner = manifest.pods.map((pod) => {
    const hosts = join(folder, `${folderName(pod.id)}.hosts`);
    writeFileSync(hosts, hostsFile(pod, manifest), { mode: 0o644 });
    const argv = [
      ...words,
      process.execPath,
      process.argv[1] as string,
      "run",
      ...commandLine(options),
      "--pod",
      pod.id,
    ];
    const env = { ...(process.env as Record<string, string>), [INSIDE]: hosts };
    return new ProcessGroup(
      { argv, env, cwd: process.cwd() },
      (line) => process.stdout.write(`${line}\n`),
      watchdog,
    );
  });
  const onSignal = (): void => {
    asked++;
    for (const group of inner) group.signalHead("SIGTERM");
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  process.stdout.on("error", onSignal);
  try {
    const codes = (await Promise.all(inner.map((group) => group.ended))).map(exitCodeOf);
    if (asked > 1) return 130;
    return Math.max(...codes);
  } finally {
    for (const name of signals) process.off(name, onSignal);
    watchdog.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words that say the same again to the inner run. */
function commandLine(options: RunOptions): string[] {
  const pairs = (name: string, map: ReadonlyMap<string, string>): string[] =>
    [...map].map(([key, dir]) => `${name}=${key}=${dir}`);
  return [
    ...options.files,
    ...pairs("--image", options.images),
    ...pairs("--volume", options.volumes),
    ...(options.for === null ? [] : [`--for=${options.for}ms`]),
    "--view=log",
    `--log=${options.log}`,
    `--restart-backoff=${options.restartBackOff}ms`,
    "--network=host",
  ];
}
