/** The three folders of a program: in/, from which it takes, out/ and failed/, into which it puts. Each file is named by its job. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  chmod,
  lstat,
  mkdir,
  open,
  opendir,
  rename,
  rm,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError, type Bytes } from "@outrigger/core";
import { jobOfFile } from "./job-names.ts";

const FOLDERS = ["in", "out", "failed"] as const;
type Folder = (typeof FOLDERS)[number];

/** As the system has it, a character for each byte: a program's need not be UTF-8, and has to be found again by its bytes. */
export type FileName = string;
/** What says that a name is of an input that is being written. */
const NEW = ".new";

const READ_BYTES: Bytes = 64 * 1024;
/** What a program left may be a pipe, or lead elsewhere. */
const AS_IT_STANDS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What stands there is never written into: it may be a pipe, or a link, or have another name elsewhere. */
const ANEW = "wx";

export class JobFiles {
  readonly folder: string;
  /** The folder's own: whoever may write there may take a file away. */
  readonly #mode: number;

  private constructor(folder: string, mode: number) {
    this.folder = folder;
    this.#mode = mode;
  }

  /** Makes what is not there. @throws OutriggerError `folder-unusable` */
  static async open(folder: string): Promise<JobFiles> {
    try {
      await mkdir(folder, { recursive: true });
      // Without the sticky bit: the program takes away what is ours.
      const mode = (await stat(folder)).mode & 0o2777;
      for (const name of FOLDERS) {
        const path = join(folder, name);
        // As open as the folder that they are in, past this process' umask. What a link leads to is not made.
        if (await isMade(path)) await chmod(path, mode);
      }
      const files = new JobFiles(folder, mode);
      await files.usable();
      return files;
    } catch (thrown) {
      throw new OutriggerError(
        "folder-unusable",
        `files:${folder} cannot be used: ${(thrown as Error).message}; mount a volume there that this container and the program's may write`,
        { cause: thrown },
      );
    }
  }

  /** @throws where a folder is not there, leads elsewhere, or is not for us to write */
  async usable(): Promise<void> {
    for (const name of FOLDERS)
      await access(await this.#own(name), constants.R_OK | constants.W_OK | constants.X_OK);
  }

  /** What a folder has of a job, in the order of their names; without ours. */
  async of(folder: Folder, job: string): Promise<FileName[]> {
    const names: FileName[] = [];
    for await (const name of namesIn(await this.#own(folder)))
      if (jobOfFile(name) === job && !name.startsWith(".")) names.push(name);
    return names.sort();
  }

  /** Every job that has a file in one of them. */
  async *jobs(): AsyncGenerator<string, void, undefined> {
    const known = new Set<string>();
    for (const folder of FOLDERS)
      for await (const name of namesIn(await this.#own(folder))) {
        const job = jobOfFile(name);
        if (job === null || known.has(job)) continue;
        known.add(job);
        yield job;
      }
  }

  /** Whether it was taken away from the program, or was not whole yet: what out/ and failed/ have of it may not be, either. */
  async isWithdrawn(name: string): Promise<boolean> {
    return exists(this.#part(name));
  }

  async isGiven(name: string): Promise<boolean> {
    return exists(join(this.folder, "in", name));
  }

  /**
   * The program sees it when it is whole and on the disk, and not before.
   * @throws OutriggerError `input-not-written`: it does not see it; `file-unusable`: a folder stands in its place; whatever `pieces`
   * throws
   */
  async give(name: string, pieces: AsyncIterable<Buffer>): Promise<Bytes> {
    await this.#removeNew(name);
    const path = this.#new(name);
    const file = await writing(open(path, ANEW));
    let bytes = 0;
    try {
      try {
        for await (const piece of pieces) {
          await writing(file.writeFile(piece));
          bytes += piece.length;
        }
        await writing(file.chmod(this.#mode & 0o666));
        await writing(file.sync());
      } finally {
        await file.close().catch(() => {});
      }
      // From then on one step says both: that it was taken away before, and that it is there.
      await writing(replace(path, this.#part(name)));
      await writing(replace(this.#part(name), join(this.folder, "in", name)));
    } catch (thrown) {
      // Its room is for others.
      await rm(path, { force: true }).catch(() => {});
      throw thrown;
    }
    return bytes;
  }

  /** The program does not begin it any more. One that has begun goes on with what it has open. */
  async withdraw(name: string): Promise<void> {
    await this.#own("in");
    try {
      await replace(join(this.folder, "in", name), this.#part(name));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return;
      throw thrown;
    }
    // An empty one in its place, in one step.
    const blank = this.#new(name);
    await (await open(blank, ANEW)).close();
    await replace(blank, this.#part(name));
  }

  /** What the program has written of a job. */
  async removeResults(job: string): Promise<void> {
    for (const folder of ["out", "failed"] as const) await this.#remove(folder, job);
  }

  /** All that there is of a job. */
  async remove(job: string): Promise<void> {
    for (const folder of FOLDERS) await this.#remove(folder, job);
  }

  /**
   * @param most bytes that are read of it
   * @returns what `use` does; null: it is no regular file
   * @throws what the system says before `use` is called, and what that throws
   */
  async read<Value>(
    folder: "out" | "failed",
    name: FileName,
    most: Bytes,
    use: (pieces: AsyncIterable<Buffer>) => Promise<Value>,
  ): Promise<Value | null> {
    let file: FileHandle;
    try {
      file = await open(pathOf(await this.#own(folder), name), AS_IT_STANDS);
    } catch (thrown) {
      // A link, or a socket.
      if (["ELOOP", "ENXIO"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return null;
      throw thrown;
    }
    try {
      return (await file.stat()).isFile() ? await use(piecesOf(file, most)) : null;
    } finally {
      await file.close();
    }
  }

  async #remove(folder: Folder, job: string): Promise<void> {
    const path = await this.#own(folder);
    for await (const name of namesIn(path))
      if (jobOfFile(name) === job) await rm(pathOf(path, name), { recursive: true, force: true });
  }

  /** What a worker that ended was writing. Two that write of one job are one too many: one of them is handed back. */
  async #removeNew(input: string): Promise<void> {
    const path = await this.#own("in");
    for await (const name of namesIn(path))
      if (name.startsWith(`.${input}.`) && name.endsWith(NEW))
        await rm(pathOf(path, name), { recursive: true, force: true }).catch(() => {});
  }

  /**
   * Looked at each time: a program may put a link in its place to what is not its own, and we would read there, and remove.
   * @throws OutriggerError `folder-unusable`
   */
  async #own(name: Folder): Promise<string> {
    const path = join(this.folder, name);
    const unusable = (why: string, cause?: unknown): OutriggerError =>
      new OutriggerError("folder-unusable", why, { cause });
    const found = await lstat(path).catch((thrown: Error) => {
      throw unusable(thrown.message, thrown);
    });
    if (found.isSymbolicLink()) throw unusable(`${path} is a link, and has to be a folder itself`);
    if (!found.isDirectory()) throw unusable(`${path} is no folder`);
    return path;
  }

  #part(name: string): string {
    return join(this.folder, "in", `.${name}.part`);
  }

  #new(name: string): string {
    return join(this.folder, "in", `.${name}.${randomBytes(8).toString("hex")}${NEW}`);
  }
}

/** Whether it was not there. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  }
}

async function* namesIn(path: string): AsyncGenerator<FileName, void, undefined> {
  for await (const { name } of await opendir(path, { encoding: "latin1" })) yield name;
}

const pathOf = (folder: string, name: FileName): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);

/** In one step; a folder in its place goes first. @throws OutriggerError `file-unusable`: it does not; what the system says */
async function replace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EISDIR") throw thrown;
    await rm(to, { recursive: true, force: true }).catch((cause: Error) => {
      throw new OutriggerError(
        "file-unusable",
        `${to} is a folder, and cannot be removed: ${cause.message}`,
        { cause },
      );
    });
    await rename(from, to);
  }
}

async function* piecesOf(file: FileHandle, most: Bytes): AsyncGenerator<Buffer, void, undefined> {
  for (let left = most; left > 0;) {
    // Each its own: whoever takes one may hold it until it is written.
    const size = Math.min(READ_BYTES, left);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size);
    if (bytesRead === 0) return;
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}

const writing = <Value>(step: Promise<Value>): Promise<Value> =>
  step.catch((thrown: unknown) => {
    if (thrown instanceof OutriggerError) throw thrown;
    throw new OutriggerError(
      "input-not-written",
      `the program's input could not be written: ${(thrown as Error).message}`,
      { cause: thrown },
    );
  });
