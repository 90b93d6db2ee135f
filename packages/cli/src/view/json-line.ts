/** Renders a JSON log line (pino's shape: level, time, msg, fields) as one that a person reads. */
import { DIM, RED, RESET, YELLOW } from "./ansi.ts";

/** What every line of a container repeats and nobody reads twice. */
const PASSED_OVER = new Set(["level", "time", "msg", "pid", "hostname", "v"]);
const LEVELS: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

/** @returns null where the line is not a JSON object with `msg` or `level` */
export function renderJsonLine(line: string, colours: boolean): string | null {
  if (!line.startsWith("{") || !line.endsWith("}")) return null;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof entry["msg"] !== "string" && entry["level"] === undefined) return null;
  const level = levelOf(entry["level"]);
  const fields = Object.entries(entry)
    .filter(([key]) => !PASSED_OVER.has(key))
    .map(([key, value]) => `${key}=${show(value)}`)
    .join(" ");
  const time = timeOf(entry["time"]);
  const message = typeof entry["msg"] === "string" ? entry["msg"] : "";
  const colour = level === "warn" ? YELLOW : level === "error" || level === "fatal" ? RED : "";
  const parts = [
    time && paint(time, DIM, colours),
    level && paint(level.toUpperCase().padEnd(5), colour, colours),
    message,
    fields && paint(fields, DIM, colours),
  ];
  return parts.filter(Boolean).join(" ");
}

const paint = (text: string, colour: string, colours: boolean): string =>
  colours && colour !== "" ? `${colour}${text}${RESET}` : text;

function levelOf(level: unknown): string {
  if (typeof level === "number") return LEVELS[level] ?? String(level);
  return typeof level === "string" ? level : "";
}

/** The time of day, in the laptop's zone. */
function timeOf(time: unknown): string {
  const date = typeof time === "number" || typeof time === "string" ? new Date(time) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function show(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? "undefined";
}
