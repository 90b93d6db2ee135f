/** What `outrigger check` looks for: a row of the table, and what a row finds in one pod. */
import type { ManifestDocument, Path } from "../manifest/document.ts";
import type { CheckedPod } from "./pod.ts";
import type { Stream } from "./stream.ts";

/** error: it will not work, or requests are lost, and the exit code is 1. warning: it may. note: nobody could look. */
export type Severity = "error" | "warning" | "note";

export interface Finding {
  /** Stable: scripts and reviews refer to it. */
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong, whatever the pod. */
  readonly sentence: string;
  /** What happens then. */
  readonly why: string;
  readonly remedy: string;
  find(pod: CheckedPod, stream: Stream): Iterable<Spot>;
}

/** One place where it is so. */
export interface Spot {
  readonly document: ManifestDocument;
  /** Within the document. */
  readonly path: Path;
  /** What is there, and what to write instead. */
  readonly message: string;
  /** Lines below the message. */
  readonly below?: readonly string[];
  /** Where in the text at the path it is, from 1. */
  readonly within?: { readonly line: number; readonly column: number };
}
