/** What the elector's bench measured, as it is kept in test/bench/results, and what it must be. */

export interface Measure {
  readonly title: string;
  readonly unit: "s" | "ms" | "MB" | "a minute";
  /** In the order in which they were taken. */
  readonly values: readonly number[];
  /** Of the greatest, or (where one start or one memory is like another) of the median; Infinity: printed only. */
  readonly must: number;
  readonly judged: "max" | "median";
  readonly aim?: number;
}

export interface ElectorResult {
  readonly bench: "elector";
  readonly node: string;
  readonly missing: readonly string[];
  readonly stores: readonly { readonly store: string; readonly measures: readonly Measure[] }[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export const judged = ({ judged: by, values }: Measure): number =>
  by === "max" ? Math.max(...values) : median(values);

/** One row a measure; a must that was missed is said in the table. */
export function electorTable(result: ElectorResult): string {
  const rows = result.stores.flatMap(({ store, measures }) =>
    measures.map((measure, index) => {
      const { title, unit, values, must, aim } = measure;
      const digits = unit === "s" ? 2 : unit === "MB" ? 1 : 0;
      const limit =
        must === Infinity
          ? ""
          : `${measure.judged} <= ${must}${aim === undefined ? "" : `, aim ${aim}`} ${judged(measure) <= must ? "yes" : "**NO**"}`;
      return `| ${index === 0 ? store : ""} | ${title} | ${values.length} | ${median(values).toFixed(digits)} | ${Math.max(...values).toFixed(digits)} | ${unit} | ${limit} |`;
    }),
  );
  return ["| store | | times | median | max | | must |", "|---|---|---|---|---|---|---|", ...rows].join("\n");
}

/** Musts that were not reached, and stores of which nothing is proven. */
export function electorFailures(result: ElectorResult): string[] {
  return [
    ...result.missing.map((why) => `nothing is proven: ${why}`),
    ...result.stores.flatMap(({ store, measures }) =>
      measures.flatMap((measure) => {
        const value = judged(measure);
        if (value <= measure.must) return [];
        return [
          `${store}, ${measure.title}: ${measure.judged} ${value.toFixed(2)} ${measure.unit}, must be <= ${measure.must}`,
        ];
      }),
    ),
  ];
}
