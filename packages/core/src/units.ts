/** Units of configuration values: durations and sizes are typed, so that a bare number cannot be taken for one. */
import { OutriggerError } from "./errors.ts";

declare const unit: unique symbol;
/** A span of time in milliseconds. */
export type Milliseconds = number & { readonly [unit]?: "ms" };
/** A size in bytes. */
export type Bytes = number & { readonly [unit]?: "bytes" };

const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/;
const PER_DURATION_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE = /^(\d{1,15})(B|k|K|Ki|KiB|kB|M|Mi|MiB|MB|G|Gi|GiB|GB)?$/;
const PER_SIZE_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  k: 1e3,
  K: 1e3,
  kB: 1e3,
  Ki: 1024,
  KiB: 1024,
  M: 1e6,
  MB: 1e6,
  Mi: 1024 ** 2,
  MiB: 1024 ** 2,
  G: 1e9,
  GB: 1e9,
  Gi: 1024 ** 3,
  GiB: 1024 ** 3,
};

/**
 * Reads a duration: a number with a unit, `250ms`, `1.5s`, `2m`, `1h`.
 * @throws OutriggerError `bad-duration` for anything else, also for a bare number (which unit would it be?)
 */
export function parseDuration(text: string): Milliseconds {
  const match = DURATION.exec(text);
  if (!match) {
    throw new OutriggerError(
      "bad-duration",
      `${JSON.stringify(text)} is not a duration: write a number with a unit, for example 250ms, 1.5s, 2m or 1h`,
    );
  }
  const span = Number(match[1]) * (PER_DURATION_UNIT[match[2] as string] as number);
  // 132362.096s is 132362096 ms, not 132362096.00000001.
  return Number(span.toPrecision(15));
}

/**
 * Reads a size as Kubernetes writes quantities: `64Ki`, `1M`, `512` (bytes).
 * @throws OutriggerError `bad-size`
 */
export function parseSize(text: string): Bytes {
  const match = SIZE.exec(text);
  if (!match) {
    throw new OutriggerError(
      "bad-size",
      `${JSON.stringify(text)} is not a size: write bytes, or a number with a unit, for example 512, 64Ki or 1M`,
    );
  }
  return Number(match[1]) * (PER_SIZE_UNIT[match[2] ?? "B"] as number);
}

/** Writes a duration as a person would: the largest unit that divides it, `1500` ms is `1.5s`. */
export function formatDuration(span: Milliseconds): string {
  if (span >= 3_600_000 && span % 3_600_000 === 0) return `${span / 3_600_000}h`;
  if (span >= 60_000 && span % 60_000 === 0) return `${span / 60_000}m`;
  if (span >= 1000) return `${Math.round(span) / 1000}s`;
  return `${Math.round(span * 1000) / 1000}ms`;
}

/** Writes a size as parseSize reads it: the largest binary unit that divides it, 65536 is `64Ki`. */
export function formatSize(size: Bytes): string {
  for (const [unit, name] of [
    [1024 ** 3, "Gi"],
    [1024 ** 2, "Mi"],
    [1024, "Ki"],
  ] as const) {
    if (size >= unit && size % unit === 0) return `${size / unit}${name}`;
  }
  return String(size);
}
