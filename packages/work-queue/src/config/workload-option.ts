/** The workload, as a configuration names it: asked over HTTP, or a program that reads files. */
import * as z from "zod";
import { formatRule, type Rule } from "./rules-option.ts";

const ACCEPTED = "http://HOST:PORT of the workload, or files:/FOLDER of a program that reads files";

const FILES = /^files:(\/(?!\/)[^\0]*)$/;

/** What stands after two slashes is a host in every URL: a folder is not guessed from it. */
const HOST = "files:// would name a host: write files:/FOLDER, with one slash; ";
const isHost = (input: unknown): boolean => typeof input === "string" && input.startsWith("files://");

/** The folder of a program that reads files; null: the workload is asked over HTTP. */
export const filesOf = (workload: string): string | null => FILES.exec(workload)?.[1] ?? null;

export const workloadOption = z
  .string({ error: `accepted: ${ACCEPTED}` })
  .refine((text) => filesOf(text) !== null || z.url({ protocol: /^http$/ }).safeParse(text).success, {
    error: ({ input }) => `${isHost(input) ? HOST : ""}accepted: ${ACCEPTED}`,
  })
  .meta({ accepts: ACCEPTED });

/** What is said of a workload over HTTP, and holds for no other. */
export function* problemsOfFiles({
  workload,
  rules,
  ready,
}: {
  readonly workload: string;
  readonly rules: readonly Rule[];
  readonly ready: string | null;
}): Generator<{ readonly path: string[]; readonly message: string }> {
  if (filesOf(workload) === null) return;
  const passing = rules.filter(({ passes }) => passes).map(formatRule);
  if (passing.length > 0)
    yield {
      path: ["rules"],
      message: `nothing can pass to a program that reads files (${workload}): take out, or queue, ${passing.join("; ")}`,
    };
  if (ready !== null)
    yield {
      path: ["ready"],
      message: `a program that reads files (${workload}) cannot be asked: take it out`,
    };
}
