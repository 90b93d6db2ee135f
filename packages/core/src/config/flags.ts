/** Flags and their environment twins, declared beside each other in one table (git-sync's way). */

export interface FlagDeclaration {
  /** Without the dashes: `log-level`. */
  readonly name: string;
  /** The key that it sets, as a path: `["logLevel"]`, `["explain", "header"]`. */
  readonly key: readonly string[];
  /** What stands for the value in the manual: `LEVEL`. Absent: a switch, `--flag` means true. */
  readonly value?: string;
  readonly help: string;
  /** The heading in the manual under which it stands; default: the pattern's name. */
  readonly group?: string;
  /** Default: `OUTRIGGER_` and the name in upper case with underscores. */
  readonly env?: string;
}
