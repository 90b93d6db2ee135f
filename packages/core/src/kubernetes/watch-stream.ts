/** What a watch sends: one JSON object a line, as long as the connection lasts. */
import * as z from "zod";
import { OutriggerError } from "../errors.ts";
import { formatSize, type Bytes } from "../units.ts";
import { readStatus, statusError, type Target } from "./status-error.ts";
import type { KubernetesObject } from "./objects.ts";

/** etcd holds 1.5 MiB; JSON of it may be longer. */
export const LONGEST_LINE: Bytes = 8 * 1024 * 1024;

export type WatchEvent<Kind extends KubernetesObject> =
  | {
      readonly type: "ADDED" | "MODIFIED" | "DELETED";
      readonly object: Kind;
      readonly resourceVersion: string;
    }
  /** Nothing has changed; all before that resourceVersion has been told. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

const event = z.looseObject({
  type: z.enum(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: z.unknown(),
});
const versioned = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });

/** @throws OutriggerError `kubernetes-unavailable` where the last line is not whole, `kubernetes-unexpected` for one too long */
export async function* splitLines(
  source: AsyncIterable<Buffer>,
  longest: Bytes = LONGEST_LINE,
): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let size = 0;
  const hold = (part: Buffer): void => {
    size += part.length;
    if (size > longest)
      throw new OutriggerError(
        "kubernetes-unexpected",
        `a watch's line is longer than ${formatSize(longest)}`,
      );
    if (part.length > 0) held.push(part);
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      hold(chunk.subarray(start, end));
      if (size > 0) yield Buffer.concat(held).toString("utf8");
      held = [];
      size = 0;
      start = end + 1;
    }
    hold(chunk.subarray(start));
  }
  if (size > 0) throw new OutriggerError("kubernetes-unavailable", "a watch ended in the middle of a line");
}

/**
 * @throws OutriggerError what an ERROR event says (`kubernetes-gone` for 410), `kubernetes-unexpected` for what is no event
 */
export function readEvent<Kind extends KubernetesObject>(
  line: string,
  target: Target,
  source: string,
  parse: (object: unknown) => Kind,
): WatchEvent<Kind> {
  const parsed = event.safeParse(parseJson(line));
  if (!parsed.success)
    throw new OutriggerError("kubernetes-unexpected", `a watch sent what is no event: ${line.slice(0, 200)}`);
  const { type, object } = parsed.data;
  if (type === "ERROR") {
    const status = readStatus(object);
    throw statusError(target, status?.code ?? 500, status, line, source);
  }
  const known = versioned.safeParse(object);
  if (!known.success)
    throw new OutriggerError(
      "kubernetes-unexpected",
      `a watch sent an object without resourceVersion: ${line.slice(0, 200)}`,
    );
  const { resourceVersion } = known.data.metadata;
  return type === "BOOKMARK" ? { type, resourceVersion } : { type, object: parse(object), resourceVersion };
}

/** null: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
