/**
 * A workload that reads files: a program in a loop that takes its input from in/ and puts what it has made of it into out/, or
 * what went wrong into failed/, before it takes the input away. No more is asked of it.
 *
 * What is seen in the folders is all that is known of a job, so that a worker that ends at any point is followed by one that
 * goes on from there:
 *   in/NAME            the program has it, or will have it
 *   in/.NAME.part      it has it not, or not any more: what out/ and failed/ have of the job is not to be trusted
 *   neither, out/ID    done
 *   neither, failed/ID failed
 */
import { OutriggerError, type Bytes, type Clock, type Logger, type Milliseconds } from "@outrigger/core";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import { isBlob, readBody } from "../job/body.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import type { Attempt, Contract } from "../worker/contract.ts";
import { Departures } from "./departures.ts";
import { FileSweep } from "./file-sweep.ts";
import type { FileName, JobFiles } from "./job-files.ts";
import { inputName } from "./job-names.ts";
import { mediaType } from "./media-type.ts";

export interface FileContractDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly bodies: Bodies;
  /** A job that waits or runs, here or elsewhere. @throws where nobody can tell */
  isUnfinished(id: string): Promise<boolean>;
}

/** Of what the program says of a failure. */
const FAILURE_BYTES: Bytes = 64 * 1024;
/** Where an input could not be written, its place in the worker is kept for so long: others would not fare better. */
const NO_ROOM: Milliseconds = 1_000;
const NAMED = 5;
/** The system has no more of what any file takes: it says nothing of this one. */
const OUT_OF: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

export class FileContract implements Contract {
  readonly #files: JobFiles;
  readonly #deps: FileContractDeps;
  readonly #departures: Departures;
  readonly #sweep: FileSweep;
  /** How many attempts of a job are under way here: two where one was held to have ended. */
  readonly #current = new Map<string, number>();
  /** Of jobs that have ended, the last of each: they do not fail. */
  readonly #removals = new Map<string, Promise<void>>();

  constructor(files: JobFiles, deps: FileContractDeps) {
    this.#files = files;
    this.#deps = deps;
    this.#departures = new Departures(`${files.folder}/in`, deps.clock);
    this.#sweep = new FileSweep(files, {
      ...deps,
      isCurrent: (id) => this.#current.has(id),
      remove: (id) => this.#remove(id),
    });
    this.#sweep.start();
  }

  async look(): Promise<string | null> {
    try {
      await this.#files.usable();
      return null;
    } catch (thrown) {
      return (thrown as Error).message;
    }
  }

  async attempt(attempt: Attempt, signal: AbortSignal): Promise<Answer> {
    const { id, request } = attempt;
    signal.throwIfAborted();
    const name = inputName(id, request.target);
    this.#current.set(id, (this.#current.get(id) ?? 0) + 1);
    try {
      await unlessAborted(this.#removed(id), signal);
      await this.#give(name, id, request, signal);
      await this.#departures.gone(name, signal);
      return await this.#result(attempt, name, signal);
    } catch (thrown) {
      if (signal.aborted) await this.#withdraw(id, name, signal);
      signal.throwIfAborted();
      throw await this.#explained(thrown as NodeJS.ErrnoException);
    } finally {
      const others = (this.#current.get(id) as number) - 1;
      if (others === 0) this.#current.delete(id);
      else this.#current.set(id, others);
    }
  }

  ended(id: string): void {
    // It may have been replayed, and begun, before we heard of its end.
    if (this.#current.has(id)) return;
    // What is left of it is swept later.
    this.#remove(id).catch((thrown: Error) =>
      this.#deps.log.warn({ job: id, err: thrown.message }, "a job's files stay"),
    );
  }

  async end(): Promise<void> {
    this.#sweep.stop();
    await Promise.all(this.#removals.values());
  }

  /** An attempt at it waits for that. */
  #remove(id: string): Promise<void> {
    const removal = this.#removed(id).then(() => this.#files.remove(id));
    const settled = removal
      .catch(() => {})
      .then(() => {
        if (this.#removals.get(id) === settled) this.#removals.delete(id);
      });
    this.#removals.set(id, settled);
    return removal;
  }

  async #removed(id: string): Promise<void> {
    await this.#removals.get(id);
  }

  /** What the system says of a file is its job's alone where the folders are there: or that job would be begun again for ever. */
  async #explained(thrown: NodeJS.ErrnoException): Promise<Error> {
    const { code, message } = thrown;
    const away = (why: string): Error =>
      new OutriggerError("workload-away", `${this.#files.folder}: ${why}`, { cause: thrown });
    if (code === "folder-unusable") return away(message);
    if (thrown instanceof OutriggerError || code === undefined) return thrown;
    if (OUT_OF.has(code)) return new OutriggerError("output-not-read", message, { cause: thrown });
    const why = await this.look();
    if (why !== null) return away(why);
    return new OutriggerError("file-unusable", `a file of the job cannot be used: ${message}`, {
      cause: thrown,
    });
  }

  /** A worker that ended may have given it already. */
  async #give(name: string, id: string, request: StoredRequest, signal: AbortSignal): Promise<void> {
    const { bodies, clock } = this.#deps;
    if (await this.#files.isGiven(name)) return;
    if (await this.#files.isWithdrawn(name)) await this.#files.removeResults(id);
    else if (await this.#hasResult(id)) return;
    const { body } = request;
    const length = isBlob(body) ? body.bytes : readBody(body).length;
    try {
      await this.#files.give(name, whole(bodies.read(body), length, signal));
    } catch (thrown) {
      if (OutriggerError.from(thrown).code === "input-not-written")
        await clock.sleep(NO_ROOM, signal).catch(() => {});
      throw thrown;
    }
  }

  async #hasResult(id: string): Promise<boolean> {
    for (const folder of ["out", "failed"] as const)
      if ((await this.#files.of(folder, id)).length > 0) return true;
    return false;
  }

  async #result({ id, isLast, keepBody }: Attempt, input: string, signal: AbortSignal): Promise<Answer> {
    const files = this.#files;
    // All three are read: one that is not there says nothing of the job.
    if ((await files.of("in", id)).includes(input))
      throw new OutriggerError("no-output", "its input is back");
    const failures = await files.of("failed", id);
    const outputs = await files.of("out", id);
    const [failure] = failures;
    if (failure !== undefined) {
      const body = await files
        .read("failed", failure, FAILURE_BYTES, (pieces) =>
          unlessAborted(keepBody(500, until(pieces, signal)), signal),
        )
        .catch((thrown: NodeJS.ErrnoException) => {
          // That it failed is said by its being there.
          if (thrown.code === "EACCES") return null;
          throw thrown;
        });
      // Before another attempt, which would find it.
      if (!isLast) await files.removeResults(id);
      return { status: 500, fields: fieldsOf(failure), body: body ?? "" };
    }
    const [output] = outputs;
    if (output === undefined)
      throw new OutriggerError("no-output", "the input is gone, and out/ has nothing of it");
    if (outputs.length > 1) throw badOutput(`out/ has ${named(outputs)}: one file is an answer`);
    const body = await files
      .read("out", output, Infinity, (pieces) => unlessAborted(keepBody(200, until(pieces, signal)), signal))
      .catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code === "EACCES")
          throw badOutput(`out/${shown(output)} is not for this user to read`, thrown);
        throw thrown;
      });
    if (body === null) throw badOutput(`out/${shown(output)} is no regular file`);
    return { status: 200, fields: fieldsOf(output), body };
  }

  /** Of a worker that ends it stays: the next one goes on with it. */
  async #withdraw(id: string, name: string, signal: AbortSignal): Promise<void> {
    if (OutriggerError.from(signal.reason).code === "worker-ends" || this.#current.get(id) !== 1) return;
    await this.#files.withdraw(name).catch((thrown: Error) => {
      this.#deps.log.warn(
        { job: id, err: thrown.message },
        "the program may still begin a job that was ended",
      );
    });
  }
}

const badOutput = (message: string, cause?: Error): OutriggerError =>
  new OutriggerError("bad-output", message, { cause });

const shown = (name: FileName): string => Buffer.from(name, "latin1").toString();

const named = (names: readonly FileName[]): string =>
  `${names.slice(0, NAMED).map(shown).join(", ")}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ""}`;

/** What a program named may have any characters. */
const fieldsOf = (name: FileName): Answer["fields"] => [
  ["content-type", mediaType(name)],
  ["content-disposition", `attachment; filename="${shown(name).replace(/[^\w.-]/g, "_")}"`],
];

/** What goes on all the same has whatever it reads taken away. @throws the signal's reason */
async function unlessAborted<Value>(step: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([step, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Whoever has the pieces may be away, and say nothing. @throws the signal's reason */
async function* until(
  pieces: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await unlessAborted(iterator.next(), signal);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // It ends when what it waits for does.
    void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** @throws OutriggerError `no-such-blob` where there is less; the signal's reason */
async function* whole(
  pieces: AsyncIterable<Buffer>,
  length: Bytes,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const piece of until(pieces, signal)) {
    bytes += piece.length;
    yield piece;
  }
  if (bytes < length) throw new OutriggerError("no-such-blob", `the body has ${bytes} bytes of ${length}`);
}
