/**
 * A lease in a folder that all candidates of one machine share: one file a version, `NAME.VERSION.json`, the highest is what
 * stands. A version is written aside, flushed, and linked to its name, which link(2) does only where nobody was faster: that
 * is the compare-and-set, without a lock that a killed process would leave behind.
 *
 * Old versions are removed. A writer that was paused for long could therefore link a version that is free only because it is
 * past: so it looks, after it has linked, how high the highest is. Where its own may have been removed before, it takes it
 * back and says that it does not know. Nobody has read it in between, since the highest is what is read.
 *
 * The token is the version. It rises as long as nobody empties the folder. Not for network file systems.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
import { parseLease } from "./lease-json.ts";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";

/** Versions below the highest that stay, for who is just reading one. */
const KEPT = 2;

export class FileStore implements LeaseStore {
  readonly #folder: string;
  readonly #name: string;

  /** @param name of the election; it becomes part of a file's name, so that it has letters, digits, '.', '_' and '-' only */
  constructor(folder: string, name: string) {
    if (!/^[A-Za-z0-9][\w.-]{0,127}$/.test(name))
      throw new OutriggerError(
        "bad-election-name",
        `an election in a folder is named by letters, digits, '.', '_' and '-', at most 128: found ${JSON.stringify(name)}`,
      );
    this.#folder = folder;
    this.#name = name;
  }

  async read(signal: AbortSignal): Promise<Sighting> {
    for (;;) {
      signal.throwIfAborted();
      const [highest] = await this.#versions();
      if (highest === undefined) return { record: null, version: "0" };
      try {
        return {
          record: parseLease(await readFile(this.#path(highest), "utf8"), "a lease file"),
          version: String(highest),
        };
      } catch (error) {
        // It was removed meanwhile: there are higher ones. Where there are not, somebody has put something else there.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        if ((await this.#highest()) === highest) throw error;
      }
    }
  }

  async write(
    record: LeaseRecord,
    over: Sighting,
    _acquires: boolean,
    signal: AbortSignal,
  ): Promise<Written | null> {
    const version = BigInt(over.version) + 1n;
    await mkdir(this.#folder, { recursive: true });
    const aside = join(this.#folder, `.${this.#name}.${randomUUID()}`);
    try {
      const file = await open(aside, "wx", 0o644);
      try {
        await file.writeFile(JSON.stringify(record));
        await file.sync();
      } finally {
        await file.close();
      }
      signal.throwIfAborted();
      if ((await this.#highest()) !== version - 1n) return null;
      try {
        await link(aside, this.#path(version));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
        throw error;
      }
    } finally {
      await rm(aside, { force: true });
    }
    const highest = await this.#highest();
    if (highest > version + BigInt(KEPT)) {
      await rm(this.#path(version), { force: true });
      throw new OutriggerError(
        "lease-unclear",
        `whether version ${version} of ${this.#name} was written is not known: it is past (${highest})`,
      );
    }
    await this.#sync();
    if (highest === version) await this.#removeBelow(version - BigInt(KEPT));
    return { record, version: String(version), token: version };
  }

  async #removeBelow(first: bigint): Promise<void> {
    const past = (await this.#versions()).filter((version) => version < first);
    await Promise.all(past.map((version) => rm(this.#path(version), { force: true })));
  }

  async #highest(): Promise<bigint> {
    return (await this.#versions())[0] ?? 0n;
  }

  /** Those that are there, the highest first. */
  async #versions(): Promise<bigint[]> {
    const start = `${this.#name}.`;
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names
      .filter((name) => name.startsWith(start) && /^\d+\.json$/.test(name.slice(start.length)))
      .map((name) => BigInt(name.slice(start.length, -".json".length)))
      .sort((one, other) => (one < other ? 1 : -1));
  }

  #path(version: bigint): string {
    return join(this.#folder, `${this.#name}.${version}.json`);
  }

  /** The name itself is on the disk, too. */
  async #sync(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
