/** A file contract on folders of its own; the test is the program. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { OutriggerError, silentLogger, type Logger } from "@outrigger/core";
import { eventually, VirtualClock } from "@outrigger/core/testing";
import { Bodies } from "../blobs/bodies.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { FileContract } from "../files/file-contract.ts";
import { JobFiles } from "../files/job-files.ts";
import { readBody, storeBody, type InlineBody, type StoredBody } from "../job/body.ts";
import type { Attempt } from "../worker/contract.ts";
import { collect } from "./collect.ts";

export const scratch = mkdtempSync(join(tmpdir(), "outrigger-contract-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
export const ID = "0123456789abcdef0123456789abcdef";
export const OTHER = "f".repeat(32);
export const INPUT = `in/${ID}.txt`;
export const PART = `in/.${ID}.txt.part`;

/** The blob `away` never comes. */
export const blobs = {
  isAwaited: false,
  async *read(id: string) {
    if (id === "away") {
      blobs.isAwaited = true;
      await new Promise(() => {});
    }
    yield Buffer.alloc(300_000, "a");
    yield Buffer.alloc(300_000, "b");
  },
};

export interface Opened {
  readonly folder: string;
  readonly files: JobFiles;
  readonly contract: FileContract;
  readonly clock: VirtualClock;
  readonly warned: string[];
  readonly path: (...names: string[]) => string;
  readonly put: (name: string, text?: string) => void;
  readonly all: () => string[];
  readonly attempt: (more?: Partial<Attempt> & { body?: StoredBody }, signal?: AbortSignal) => Promise<Told>;
}

export interface Told {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

export async function opened(
  at = join(scratch, String(folders++)),
  isUnfinished: (id: string) => Promise<boolean> = async () => true,
): Promise<Opened> {
  const warned: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void warned.push(message) };
  const clock = new VirtualClock();
  const files = await JobFiles.open(at);
  const contract = new FileContract(files, {
    clock,
    log,
    isUnfinished,
    bodies: new Bodies(blobs as unknown as BlobStore),
  });
  const path = (...names: string[]): string => join(at, ...names);
  return {
    ...{ folder: at, files, contract, clock, warned, path },
    put: (name, text = "") => writeFileSync(path(name), text),
    all: () =>
      ["in", "out", "failed"].flatMap((of) => readdirSync(path(of)).map((name) => `${of}/${name}`)).sort(),
    attempt: async ({ body = "hello", ...more } = {}, signal = new AbortController().signal) => {
      const answer = await contract.attempt(
        {
          ...{ id: ID, number: 1, isLast: true, maxAnswer: 1_000 },
          request: { method: "POST", target: "/x.txt", fields: [], body },
          keepBody: async (_status, pieces) => storeBody(Buffer.concat(await collect(pieces))),
          ...more,
        },
        signal,
      );
      const text = readBody(answer.body as InlineBody).toString();
      return { status: answer.status, type: answer.fields[0]?.[1], text };
    },
  };
}

export const isGiven = ({ path }: Opened): Promise<void> =>
  eventually("it is given", () => existsSync(path(INPUT)));
/** The program does it. */
export async function does(open: Opened): Promise<void> {
  await isGiven(open);
  open.put(`out/${ID}`, "done");
  rmSync(open.path(INPUT));
}
export const refusal = (code: string, message: RegExp) => (thrown: unknown) =>
  OutriggerError.from(thrown).code === code && message.test((thrown as Error).message);
