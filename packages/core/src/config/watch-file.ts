/**
 * Notices that a file's content changed: edited in place, replaced by rename, or swapped through a ConfigMap's
 * `..data` symlink. fs.watch on its directory says it soon; a slow poll says it where fs.watch cannot (network
 * filesystems, symlinks into other directories, no inotify watches left).
 */
import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { readText } from "./read-text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

export interface FileWatchOptions {
  readonly path: string;
  /** What was read before: a change between that reading and the start of the watch is noticed, too. */
  readonly text: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A change is told when the directory has been still for so long. Default 100 ms. */
  readonly debounce?: Milliseconds;
  /** Default 10 s. */
  readonly pollEvery?: Milliseconds;
  /**
   * The content is another than when it was last told. Also called when the file has gone, or cannot be read as what it
   * should be: read it to see.
   */
  onChange(): void;
}

export interface FileWatch {
  stop(): void;
}

export function watchFile(options: FileWatchOptions): FileWatch {
  const { path, clock, log, debounce = 100, pollEvery = 10_000 } = options;
  let known: string | null = options.text;
  let fingerprint = "";
  let stopped = false;
  let watcher: FSWatcher | null = null;
  let settled: Timer | null = null;

  const look = async (): Promise<void> => {
    const before = fingerprint;
    fingerprint = await fingerprintOf(path);
    if (fingerprint === before || stopped) return;
    const text = await readText(path).catch(() => null);
    // Perhaps only for now (no file could be opened): it is read again, and told when that has another outcome.
    if (text === null) fingerprint = "";
    if (stopped || text === known) return;
    known = text;
    options.onChange();
  };
  // One look at a time: two at once could tell one change twice.
  let looking: Promise<void> = Promise.resolve();
  const lookSoon = (): void => {
    looking = looking.then(look).catch((thrown: unknown) => {
      log.error({ error: thrown, path }, "failed to look at a watched file");
    });
  };
  const touched = (): void => {
    if (stopped) return;
    settled?.clear();
    settled = clock.timer(debounce, lookSoon, { unref: true });
  };
  const poll = clock.timer(
    pollEvery,
    () => {
      lookSoon();
      if (!stopped) poll.refresh();
    },
    { unref: true },
  );
  try {
    watcher = watch(dirname(path), { persistent: false }, touched);
    watcher.on("error", (thrown) => {
      log.warn({ error: thrown, path }, "the watch of the config file broke: from now on it is only polled");
      watcher?.close();
    });
  } catch (thrown) {
    log.warn({ error: thrown, path }, "the config file cannot be watched: it is only polled");
  }
  // Between the reading of `text` and the watch the file may have changed.
  touched();
  return {
    stop() {
      stopped = true;
      watcher?.close();
      settled?.clear();
      poll.clear();
    },
  };
}

async function fingerprintOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(":");
  } catch {
    return "gone";
  }
}

/**
 * Is this file itself a mount point, as a ConfigMap's subPath is? Such a file never changes: the kubelet swaps the
 * directory behind it, and the mount keeps the old file.
 * @param mountinfo the text of /proc/self/mountinfo; field 5 is the mount point, blanks as \040 (proc(5))
 */
export function isMountPoint(path: string, mountinfo: string): boolean {
  return mountinfo.split("\n").some((line) => {
    const point = line.split(" ")[4];
    return (
      point?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))) === path
    );
  });
}
