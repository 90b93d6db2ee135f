/** A lease as text, for stores that hold nothing but bytes. */
import { OutriggerError } from "@outrigger/core";
import type { LeaseRecord } from "../election/lease-store.ts";

/**
 * @param what holds the text, for the message: `a lease file`
 * @throws OutriggerError `bad-lease`
 */
export function parseLease(text: string, what: string): LeaseRecord {
  const record = tryJson(text);
  const { holder, leaseDuration, acquiredAt, renewedAt, transitions, address } = record;
  const numbers = [leaseDuration, acquiredAt, renewedAt, transitions];
  if (
    typeof holder !== "string" ||
    typeof address !== "string" ||
    !numbers.every((value) => Number.isFinite(value))
  )
    throw new OutriggerError("bad-lease", `${what} is no lease: ${text.slice(0, 200)}`);
  return record as unknown as LeaseRecord;
}

function tryJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
