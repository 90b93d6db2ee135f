/** What a soak measured, as it is kept in test/soak/results, and whether it is what it must be. */
import type { MemoryCourse } from "./memory.ts";
import { FLAT_WITHIN } from "./memory.ts";

/** Bytes of resident memory, and counts. */
export interface ConnectionsResult {
  readonly kind: "connections";
  readonly hardFileLimit: number;
  readonly connections: number;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly holdSeconds: number;
  readonly rssBefore: number;
  readonly rssOpen: number;
  readonly rssClosed: number;
  /** After so long it was given back. */
  readonly closedSeconds: number;
  readonly bytesPerConnection: number;
  readonly memory: MemoryCourse;
}

export interface BodiesResult {
  readonly kind: "bodies";
  readonly bytes: number;
  readonly transfers: readonly {
    readonly name: string;
    readonly seconds: number;
    readonly stoppedSeconds: number;
    /** Count and SHA-256 are the same at both ends. */
    readonly same: boolean;
  }[];
  readonly memory: MemoryCourse;
}

export interface ReloadsResult {
  readonly kind: "reloads";
  readonly reloads: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly filesBase: number;
  readonly filesEnd: number;
  readonly memory: MemoryCourse;
}

export interface LibraryResult {
  readonly kind: "library";
  readonly reloads: number;
  /** Of process.getActiveResourcesInfo(), before and after. */
  readonly resourcesBefore: Readonly<Record<string, number>>;
  readonly resourcesAfter: Readonly<Record<string, number>>;
  /** Bytes of JavaScript heap after a forced collection. */
  readonly heapBefore: number;
  readonly heapAfter: number;
}

export interface SteadyResult {
  readonly kind: "steady";
  readonly seconds: number;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly memory: MemoryCourse;
}

export interface FieldResult {
  /** Which candidates contended: `ours`, or `mixed` with client-go's. */
  readonly field: string;
  readonly seeds: number;
  readonly acquisitions: number;
  readonly faults: number;
  /** The first promises that did not hold, each with its seed. */
  readonly broken: readonly string[];
}

export interface ElectionsResult {
  readonly kind: "elections";
  readonly seconds: number;
  readonly fields: readonly FieldResult[];
}

export interface BacklogResult {
  readonly kind: "queue";
  readonly jobs: number;
  /** To work it off. */
  readonly seconds: number;
  /** Of callers meanwhile. */
  readonly requests: number;
  readonly failures: readonly string[];
  /** Jobs that the workload did not see, and how often it saw one again. */
  readonly missing: number;
  readonly repeated: number;
  readonly processes: readonly {
    readonly name: string;
    readonly memory: MemoryCourse;
    readonly scrapes: number;
    /** Milliseconds that /metrics took. */
    readonly scrapeP99: number;
    readonly scrapeMax: number;
  }[];
}

export type PartResult =
  | ConnectionsResult
  | BodiesResult
  | ReloadsResult
  | LibraryResult
  | SteadyResult
  | ElectionsResult
  | BacklogResult;

export interface SoakResult {
  readonly node: string;
  readonly short: boolean;
  readonly parts: readonly PartResult[];
}

/** A heap that grew by more than that over 1,000 reloads keeps something of each. */
const HEAP_GROWTH = 1024 * 1024;

/** The connection by which the metrics were asked may still be closing. */
const SCRAPE = 1;

/** /metrics of the queue, whatever waits there: the 99th of a hundred. */
const SCRAPE_WITHIN = 50;

/** What is not as it must be; empty: all is well. */
export function problems(part: PartResult): string[] {
  const found: string[] = [];
  if ("memory" in part && part.memory.rise > FLAT_WITHIN)
    found.push(
      `resident memory rose by ${mebibytes(part.memory.rise)} MB, must be within ${mebibytes(FLAT_WITHIN)} MB`,
    );
  if ("failures" in part && part.failures.length > 0)
    found.push(`${part.failures.length} requests failed, the first: ${part.failures[0]}`);
  if ("requests" in part && part.requests === 0) found.push("not one request was made");
  if (part.kind === "bodies")
    for (const { name, same } of part.transfers)
      if (!same) found.push(`${name}: what arrived is not what was sent`);
  if (part.kind === "connections" && part.rssClosed - part.rssBefore > FLAT_WITHIN)
    found.push(
      `after all connections had closed ${mebibytes(part.rssClosed - part.rssBefore)} MB more were in use than before`,
    );
  if (part.kind === "reloads" && part.filesEnd - part.filesBase > SCRAPE)
    found.push(`${part.filesEnd - part.filesBase} files more were open at the end`);
  if (part.kind === "elections")
    for (const { field, broken, acquisitions, seeds } of part.fields) {
      found.push(...broken.map((sentence) => `${field}, ${sentence}`));
      if (acquisitions < seeds) found.push(`${field}: ${acquisitions} acquisitions in ${seeds} seeds`);
    }
  if (part.kind === "queue") {
    if (part.missing !== 0) found.push(`${part.missing} jobs did not come to the workload`);
    if (part.repeated > 0) found.push(`${part.repeated} jobs came again, and nothing had ended`);
    for (const { name, memory, scrapes, scrapeP99 } of part.processes) {
      if (memory.rise > FLAT_WITHIN)
        found.push(
          `resident memory of the ${name} rose by ${mebibytes(memory.rise)} MB, must be within ${mebibytes(FLAT_WITHIN)} MB`,
        );
      if (scrapes === 0 || scrapeP99 > SCRAPE_WITHIN)
        found.push(
          `/metrics of the ${name} took ${scrapeP99.toFixed(0)} ms, must be within ${SCRAPE_WITHIN} ms`,
        );
    }
  }
  if (part.kind === "library") {
    for (const [type, count] of Object.entries(part.resourcesAfter)) {
      const before = part.resourcesBefore[type] ?? 0;
      if (count > before) found.push(`${count - before} more of ${type} at the end`);
    }
    if (part.heapAfter - part.heapBefore > HEAP_GROWTH)
      found.push(`the heap grew by ${mebibytes(part.heapAfter - part.heapBefore)} MB`);
  }
  return found;
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
