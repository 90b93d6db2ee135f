/**
 * A watched list of endpoints in a file (endpoint-list.ts).
 *
 * The file may be replaced (rename), edited in place, or be part of a ConfigMap, where the `..data` link of its folder
 * is swapped. The folder's events are taken as a hint to read soon; since events can be lost (NFS, a folder that is
 * itself replaced), the file is read every few seconds as well. Content that cannot be used is refused and the old kept.
 */
import { watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import { OutriggerError, readText, type Clock, type Milliseconds, type Timer } from "@outrigger/core";
import type { Address } from "../endpoint/address.ts";
import type { parseEndpointList } from "./endpoint-list.ts";

/** An editor or a ConfigMap's swap makes several events; in-place writes are not whole at the first. */
const CALM: Milliseconds = 50;
const POLL: Milliseconds = 5000;

export interface EndpointFileEvents {
  /** Another content than before, or the first. */
  changed(entries: readonly Address[]): void;
  /** Cannot be read or used; told once for each different reason. */
  failed(reason: string): void;
}

export class EndpointFile {
  readonly path: string;
  /** Why the file as it is now is not used; null while it is. */
  failure: string | null = null;
  readonly #clock: Clock;
  readonly #events: EndpointFileEvents;
  #watcher: FSWatcher | null = null;
  #timer: Timer | null = null;
  #dueAt: Milliseconds = Infinity;
  #text: string | null = null;
  #reading: Promise<void> | null = null;
  /** An event came while the file was being read: what was read may be the old. */
  #again = false;
  #stopped = false;

  constructor(path: string, clock: Clock, events: EndpointFileEvents) {
    this.path = path;
    this.#clock = clock;
    this.#events = events;
  }

  start(): void {
    this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.clear();
    this.#watcher?.close();
    this.#watcher = null;
    await this.#reading;
  }

  #read(): void {
    if (this.#stopped) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#timer?.clear();
    this.#dueAt = Infinity;
    this.#again = false;
    // Watched before it is read, so that no change falls between.
    this.#watchFolder();
    this.#reading = this.#load().finally(() => {
      this.#reading = null;
      this.#schedule(this.#again ? CALM : POLL);
    });
  }

  async #load(): Promise<void> {
    let text: string;
    let parse: typeof parseEndpointList;
    try {
      text = await readText(this.path);
      // What reads YAML is a tenth of the container's start.
      parse = (await import("./endpoint-list.ts")).parseEndpointList;
    } catch (thrown) {
      this.#fail(OutriggerError.from(thrown).message);
      return;
    }
    if (this.#stopped) return;
    if (text === this.#text && this.failure === null) return;
    let entries: readonly Address[];
    try {
      entries = parse(text);
    } catch (thrown) {
      this.#fail(OutriggerError.from(thrown).message);
      return;
    }
    this.failure = null;
    if (text === this.#text) return;
    this.#text = text;
    this.#events.changed(entries);
  }

  #fail(reason: string): void {
    if (this.#stopped || this.failure === reason) return;
    this.failure = reason;
    this.#events.failed(reason);
  }

  #watchFolder(): void {
    if (this.#watcher) return;
    try {
      const watcher = watch(dirname(this.path), { persistent: false }, () => this.#schedule(CALM));
      watcher.on("error", () => this.#unwatch(watcher));
      this.#watcher = watcher;
    } catch {
      // No such folder yet, or no more inotify watches: polling finds the file all the same.
    }
  }

  #unwatch(watcher: FSWatcher): void {
    watcher.close();
    if (this.#watcher === watcher) this.#watcher = null;
  }

  /** Reads in `delay`, or sooner if that was already so. */
  #schedule(delay: Milliseconds): void {
    if (this.#stopped) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    const at = this.#clock.now() + delay;
    if (at >= this.#dueAt) return;
    this.#timer?.clear();
    this.#dueAt = at;
    this.#timer = this.#clock.timer(delay, () => this.#read(), { unref: true });
  }
}
