/** Metrics as plain series in one registry of its own: two instances in one process share nothing. */
import { OutriggerError } from "../errors.ts";
import {
  CONTENT_TYPE,
  negotiateFormat,
  writeExposition,
  type FamilySnapshot,
  type FamilyType,
  type SeriesSnapshot,
} from "./exposition.ts";
import type { Counter, Family, Gauge, Histogram, Metrics } from "./metrics.ts";
import { CounterSeries, DEFAULT_BUCKETS, GaugeSeries, HistogramSeries } from "./series.ts";

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Between label values in a series' key: no UTF-8 text that we label with holds it. */
const SEPARATOR = "\u0000";

type AnySeries = CounterSeries | GaugeSeries | HistogramSeries;

class SeriesFamily<Series extends AnySeries> implements Family<Series, string> {
  readonly type: FamilyType;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  readonly #create: () => Series;
  readonly #series = new Map<string, { readonly labelValues: readonly string[]; readonly series: Series }>();

  constructor(
    type: FamilyType,
    name: string,
    help: string,
    labels: readonly string[],
    bounds: readonly number[],
    create: () => Series,
  ) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.labels = labels;
    this.bounds = bounds;
    this.#create = create;
    // A family without labels has its one series from the start, at 0: a counter that is absent until the first
    // event makes rate() miss that event.
    if (labels.length === 0) this.with({});
  }

  with(labels: Readonly<Record<string, string>>): Series {
    const labelValues = this.#values(labels);
    const key = labelValues.join(SEPARATOR);
    let entry = this.#series.get(key);
    if (!entry) {
      entry = { labelValues, series: this.#create() };
      this.#series.set(key, entry);
    }
    return entry.series;
  }

  remove(labels: Readonly<Record<string, string>>): void {
    this.#series.delete(this.#values(labels).join(SEPARATOR));
  }

  #values(labels: Readonly<Record<string, string>>): string[] {
    return this.labels.map((label) => {
      const value = labels[label];
      if (value !== undefined) return value;
      throw new OutriggerError(
        "metric-label-missing",
        `metric ${this.name} needs a value for its label ${label}: pass all of ${this.labels.join(", ")}`,
      );
    });
  }

  *snapshots(): Iterable<SeriesSnapshot> {
    for (const { labelValues, series } of this.#series.values()) {
      if (!(series instanceof HistogramSeries)) {
        yield { labelValues, value: series.value };
        continue;
      }
      const buckets: [number, number][] = [];
      let cumulated = 0;
      series.counts.forEach((count, index) => {
        cumulated += count;
        buckets.push([series.bounds[index] ?? Infinity, cumulated]);
      });
      yield { labelValues, buckets, sum: series.sum };
    }
  }
}

class Registry implements Metrics {
  readonly #families = new Map<string, SeriesFamily<AnySeries>>();
  readonly #refreshes = new Set<() => void>();

  counter<Label extends string = never>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
  ): Family<Counter, Label> {
    if (!name.endsWith("_total")) {
      throw new OutriggerError(
        "metric-name",
        `counter ${name} must end in _total: OpenMetrics knows no other`,
      );
    }
    return this.#family("counter", name, help, labels, [], () => new CounterSeries());
  }

  gauge<Label extends string = never>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
  ): Family<Gauge, Label> {
    return this.#family("gauge", name, help, labels, [], () => new GaugeSeries());
  }

  histogram<Label extends string = never>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
    buckets: readonly number[] = DEFAULT_BUCKETS,
  ): Family<Histogram, Label> {
    const rising = buckets.every(
      (bound, index) => Number.isFinite(bound) && bound > (buckets[index - 1] ?? -Infinity),
    );
    if (!rising || buckets.length === 0) {
      throw new OutriggerError(
        "metric-buckets",
        `histogram ${name} has buckets ${buckets.join(", ")}: give finite bounds in rising order, without +Inf`,
      );
    }
    return this.#family("histogram", name, help, labels, buckets, () => new HistogramSeries(buckets));
  }

  beforeExpose(refresh: () => void): () => void {
    this.#refreshes.add(refresh);
    return () => void this.#refreshes.delete(refresh);
  }

  expose(accept?: string): Promise<{ contentType: string; body: string }> {
    for (const refresh of this.#refreshes) refresh();
    const format = negotiateFormat(accept);
    const families: FamilySnapshot[] = [];
    for (const family of this.#families.values()) {
      const { name, help, type, labels } = family;
      families.push({ name, help, type, labels, series: family.snapshots() });
    }
    return Promise.resolve({ contentType: CONTENT_TYPE[format], body: writeExposition(families, format) });
  }

  /** The family of that name; asked for again in the same shape it is the same one (two upstreams, one metric). */
  #family<Series extends AnySeries>(
    type: FamilyType,
    name: string,
    help: string,
    labels: readonly string[],
    bounds: readonly number[],
    create: () => Series,
  ): SeriesFamily<Series> {
    const known = this.#families.get(name);
    if (known) {
      if (known.type === type && same(known.labels, labels) && same(known.bounds, bounds)) {
        return known as unknown as SeriesFamily<Series>;
      }
      throw new OutriggerError(
        "metric-conflict",
        `metric ${name} exists as a ${known.type} with labels (${known.labels.join(", ")}): it cannot also be a ${type} with (${labels.join(", ")})`,
      );
    }
    const bad = !NAME.test(name) ? name : labels.find((label) => !LABEL.test(label) || label === "le");
    if (bad !== undefined) {
      throw new OutriggerError(
        "metric-name",
        `${JSON.stringify(bad)} is not a name that Prometheus takes (in metric ${name})`,
      );
    }
    const family = new SeriesFamily(type, name, help, [...labels], [...bounds], create);
    this.#families.set(name, family);
    return family;
  }
}

function same<T>(left: readonly T[], right: readonly T[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

/** A registry of its own, empty. */
export function createMetrics(): Metrics {
  return new Registry();
}
