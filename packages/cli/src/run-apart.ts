/** Runs each pod in a network namespace of its own, by one inner `outrigger run` a pod; joins their lines and exit codes. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OutriggerError, onStopSignals, systemClock } from "@outrigger/core";
import type { RunOptions } from "./run-options.ts";
import type { DeclaredPod, Manifest } from "./manifest/load.ts";
import { folderName } from "./pod/plan-pod.ts";
import { hostsFile, INSIDE, OUTPUT_LOST } from "./pod/own-network.ts";
import { exitCodeOf, ProcessGroup, type Ended } from "./pod/process-group.ts";
import { Watchdog } from "./pod/watchdog.ts";
import { makeRunFolder, withRoom } from "./run-folder.ts";
import type { StandardOutput } from "./standard-output.ts";
import { STOP_SIGNALS } from "./stop-signals.ts";

/** @param words what starts a command in new namespaces */
export async function runApart(
  options: RunOptions,
  manifest: Manifest,
  words: readonly string[],
  folder: string,
  output: StandardOutput,
): Promise<number> {
  if (options.files.includes("-")) {
    throw new OutriggerError(
      "usage",
      "with pods in network namespaces each reads the manifest itself: give a file instead of -",
    );
  }
  makeRunFolder(folder);
  const watchdog = new Watchdog(folder);
  const hostsOf = (pod: DeclaredPod): string => join(folder, `${folderName(pod.id)}.hosts`);
  await withRoom(() => {
    for (const pod of manifest.pods) writeFileSync(hostsOf(pod), hostsFile(pod, manifest), { mode: 0o644 });
  });
  const inner = manifest.pods.map((pod) => {
    const argv = [
      ...words,
      process.execPath,
      process.argv[1] as string,
      "run",
      ...commandLine(options),
      "--pod",
      pod.id,
    ];
    const env = { ...(process.env as Record<string, string>), [INSIDE]: hostsOf(pod) };
    return new ProcessGroup(
      { argv, env, cwd: process.cwd() },
      (line) => process.stdout.write(`${line}\n`),
      watchdog,
    );
  });
  const tell = (name: NodeJS.Signals): void => {
    for (const group of inner) group.signalHead(name);
  };
  let atOnce = false;
  const removals = [
    onStopSignals(
      STOP_SIGNALS,
      systemClock,
      () => tell("SIGTERM"),
      () => {
        atOnce = true;
        // Another signal than the first: the same one, soon after, would be one request to the inner run.
        tell("SIGINT");
      },
    ),
    output.onLoss(() => tell(OUTPUT_LOST)),
  ];
  try {
    const codes = (await Promise.all(inner.map((group) => group.ended))).map(exitCodeOfInner);
    if (atOnce) return 130;
    // The inner runs have said why, but nobody has read it.
    if (output.loss !== null) {
      for (const [index, code] of codes.entries())
        if (code !== 0)
          process.stderr.write(`failed: pod ${manifest.pods[index]?.label} (exit code ${code})\n`);
    }
    return Math.max(...codes);
  } finally {
    for (const remove of removals) remove();
    watchdog.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An inner run that our signal ended before it listened had started nothing: it has ended well. */
function exitCodeOfInner(ended: Ended): number {
  return ended.signal === "SIGTERM" || ended.signal === OUTPUT_LOST ? 0 : exitCodeOf(ended);
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
