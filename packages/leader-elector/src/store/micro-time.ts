/** Kubernetes' MicroTime: RFC 3339 with six digits below the second, which the API asks for. */
import type { Milliseconds } from "@outrigger/core";

const TEXT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** @param micros since 1970 */
export function formatMicroTime(micros: number): string {
  const millis: Milliseconds = Math.floor(micros / 1_000);
  const rest = String(micros - millis * 1_000).padStart(3, "0");
  return new Date(millis).toISOString().replace("Z", `${rest}Z`);
}

/** Microseconds since 1970; what is missing or no time is 0, as client-go's zero time counts for nothing. */
export function parseMicroTime(text: string | null | undefined): number {
  const [, seconds, fraction = "", zone] = TEXT.exec(text ?? "") ?? [];
  const millis = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(millis) ? 0 : millis * 1_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
