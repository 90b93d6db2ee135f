/**
 * Building blocks for configuration schemas: each accepts the YAML type and, where the one-line route grammar or a
 * flag delivers text, the text form of it. They are zod codecs, so that `--print-config` can write a value back
 * as it may be read (`30s`, not 30000).
 *
 * A default is given in the input's form: `durationSchema.prefault("5s")`, `intOption().prefault(2)`.
 */
import * as z from "zod";
import { OutriggerError } from "../errors.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "../units.ts";

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function rangeText(range: Range, format: (value: number) => string): string {
  const { min, max } = range;
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` of at least ${format(min)}`;
  if (max !== undefined) return ` of at most ${format(max)}`;
  return "";
}

function within(value: number, range: Range): boolean {
  return value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity);
}

/** Input is a number or text; `accepted` is the noun phrase of what the key takes, as errors and the manual show it. */
function numeric(accepted: string, isRight: (value: number) => boolean) {
  return z
    .codec(z.union([z.number(), z.string()], { error: `accepted: ${accepted}` }), z.number(), {
      decode(input, context) {
        const value = typeof input === "number" ? input : NUMBER.test(input) ? Number(input) : NaN;
        if (isRight(value)) return value;
        context.issues.push({ code: "custom", input, message: `accepted: ${accepted}` });
        return z.NEVER;
      },
      encode: (value) => value,
    })
    .meta({ accepts: accepted });
}

/** A whole number, also as text (`retries=2`). */
export function intOption(range: Range = {}) {
  return numeric(
    `a whole number${rangeText(range, String)}`,
    (value) => Number.isSafeInteger(value) && within(value, range),
  );
}

/** A number, also as text (`retryBudget=0.2`). */
export function numberOption(range: Range = {}) {
  return numeric(
    `a number${rangeText(range, String)}`,
    (value) => Number.isFinite(value) && within(value, range),
  );
}

/** true or false, also as text. */
export function booleanOption() {
  return z
    .codec(
      z.union([z.boolean(), z.enum(["true", "false"])], { error: "accepted: true or false" }),
      z.boolean(),
      { decode: (input) => input === true || input === "true", encode: (value) => value },
    )
    .meta({ accepts: "true or false" });
}

/**
 * A list of texts: a YAML list, or one text with commas (`hedgeMethods=GET,HEAD`). Blanks around items go, empty
 * items are refused.
 */
export function listOption(limits: { readonly min?: number; readonly max?: number } = {}) {
  const accepted = "a list of texts, or one text with commas between its items";
  return z
    .codec(
      z.union([z.array(z.union([z.string(), z.number()])), z.string()], { error: `accepted: ${accepted}` }),
      z.array(z.string()),
      {
        decode(input, context) {
          const items = (typeof input === "string" ? (input === "" ? [] : input.split(",")) : input).map(
            (item) => String(item).trim(),
          );
          const { min = 0, max = Infinity } = limits;
          if (!items.includes("") && items.length >= min && items.length <= max) return items;
          const count = rangeText(limits, String).replace(/^ (?:of )?/, "");
          context.issues.push({
            code: "custom",
            input,
            message: `accepted: ${accepted}${count && `, ${count} items`}${items.includes("") ? "; none of them empty" : ""}`,
          });
          return z.NEVER;
        },
        encode: (value) => value,
      },
    )
    .meta({ accepts: accepted });
}

/** A list of whole numbers: a YAML list, one number, or one text with commas (`retryStatus=502,503`). */
export function intListOption(range: Range = {}) {
  const accepted = `a list of whole numbers${rangeText(range, String)}, or one text with commas between them`;
  const item = z.union([z.number(), z.string()]);
  return z
    .codec(z.union([z.array(item), item], { error: `accepted: ${accepted}` }), z.array(z.number()), {
      decode(input, context) {
        const items = Array.isArray(input) ? input : input === "" ? [] : String(input).split(",");
        const numbers = items.map((text) => (NUMBER.test(String(text).trim()) ? Number(text) : NaN));
        if (numbers.every((value) => Number.isSafeInteger(value) && within(value, range))) return numbers;
        context.issues.push({ code: "custom", input, message: `accepted: ${accepted}` });
        return z.NEVER;
      },
      encode: (value) => value,
    })
    .meta({ accepts: accepted });
}

const TOO_LONG = /^\d{13}/;

/** A number with its unit as text: the parser's own sentence becomes the issue. */
function measured(
  parse: (text: string) => number,
  format: (value: number) => string,
  accepted: string,
  range: Range,
  examples: readonly string[],
) {
  const also = `, for example ${examples.join(", ")}`;
  const sentence = `accepted: ${accepted}${also}`;
  return z
    .codec(z.string({ error: sentence }), z.number(), {
      decode(input, context) {
        try {
          const value = parse(input);
          if (within(value, range)) return value;
        } catch (thrown) {
          if (!(thrown instanceof OutriggerError)) throw thrown;
        }
        // It looks like one, and its unit is not what is wrong.
        const message = TOO_LONG.test(input)
          ? `accepted: ${accepted} and at most 12 digits${also}`
          : sentence;
        context.issues.push({ code: "custom", input, message });
        return z.NEVER;
      },
      encode: format,
    })
    .meta({ accepts: accepted, examples: [...examples] });
}

/** `250ms`, `1.5s`, `2m`, `1h` -> Milliseconds, within a range given in milliseconds. */
export function durationOption(range: Range = {}) {
  const accepted = `a duration${rangeText(range, formatDuration)} with its unit`;
  return measured(parseDuration, formatDuration, accepted, range, ["250ms", "1.5s", "2m"]);
}
/** `250ms`, `1.5s`, `2m`, `1h` -> Milliseconds. */
export const durationSchema = durationOption();

/** `512`, `64Ki`, `1M` -> Bytes, within a range given in bytes. */
export function sizeOption(range: Range = {}) {
  const accepted = `a size in bytes or with a unit${rangeText(range, formatSize)}`;
  const sentence = `accepted: ${accepted}, for example 512, 64Ki, 1M`;
  return z
    .codec(z.union([z.number(), z.string()], { error: sentence }), z.number(), {
      decode(input, context) {
        try {
          const value = parseSize(String(input));
          if (within(value, range)) return value;
        } catch (thrown) {
          if (!(thrown instanceof OutriggerError)) throw thrown;
        }
        context.issues.push({ code: "custom", input, message: sentence });
        return z.NEVER;
      },
      encode: formatSize,
    })
    .meta({ accepts: accepted, examples: ["64Ki", "1M"] });
}
/** `512`, `64Ki`, `1M` -> Bytes. */
export const sizeSchema = sizeOption();

/** A TCP or UDP port; 0 asks the system for a free one. */
export const portSchema = intOption({ min: 0, max: 65_535 });

/** Where to listen or to connect. IPv6 hosts come without their brackets. */
export interface HostPort {
  /** Absent: the caller's default (all interfaces, or both loopbacks). */
  readonly host?: string;
  readonly port: number;
}

const HOST_PORT =
  /^(?:(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\*)):)?(\d{1,5})$/;

/** Reads `PORT`, `HOST:PORT` or `[IPV6]:PORT`; null when it is none of them. `*` is every interface. */
export function parseHostPort(text: string): HostPort | null {
  const match = HOST_PORT.exec(text);
  if (!match || Number(match[3]) > 65_535) return null;
  const host = match[1] ?? match[2];
  if (match[1] !== undefined && !match[1].includes(":")) return null;
  const port = Number(match[3]);
  return host === undefined ? { port } : { host: host === "*" ? "::" : host, port };
}

/** Writes what parseHostPort reads. */
export function formatHostPort({ host, port }: HostPort): string {
  if (host === undefined) return String(port);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const HOST_PORT_ACCEPTED = "PORT, HOST:PORT or [IPV6]:PORT, ports from 0 to 65535";

/** `8080`, `127.0.0.1:8080`, `[::1]:8080` -> HostPort. */
export const hostPortSchema = z
  .codec(
    z.union([z.number(), z.string()], { error: `accepted: ${HOST_PORT_ACCEPTED}` }),
    z.custom<HostPort>(),
    {
      decode(input, context) {
        const parsed = parseHostPort(String(input));
        if (parsed) return parsed;
        context.issues.push({ code: "custom", input, message: `accepted: ${HOST_PORT_ACCEPTED}` });
        return z.NEVER;
      },
      encode: (address) => (address.host === undefined ? address.port : formatHostPort(address)),
    },
  )
  .meta({ accepts: HOST_PORT_ACCEPTED });

/** The path of a file. That it can be read is seen when it is read, not here: it may come later, or change. */
export const filePathSchema = z
  .string({ error: "accepted: the path of a file" })
  .min(1, { error: "accepted: the path of a file" })
  .refine((path) => !path.includes("\0"), { error: "accepted: the path of a file, without NUL bytes" })
  .meta({ accepts: "the path of a file" });

/** Marks a key as secret: `/configz`, `--print-config` and the log show `[redacted]` in its place. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), secret: true });
}
