/** Where a Redis is: `redis://[USER@]HOST[:PORT][/DB]`, `rediss://...` with TLS, `unix:///PATH[?db=DB]` (redis-py's form). */
import { OutriggerError } from "../errors.ts";

export interface RedisAddress {
  readonly at:
    { readonly host: string; readonly port: number; readonly tls: boolean } | { readonly path: string };
  /** null: the server's default user. */
  readonly username: string | null;
  readonly db: number;
}

/** @throws OutriggerError `bad-redis-url`; the message shows nothing that stands before an `@` */
export function parseRedisUrl(text: string): RedisAddress {
  const refuse = (why: string): never => {
    throw new OutriggerError(
      "bad-redis-url",
      `${text.replace(/\/\/.*@/, "//...@")}: ${why}; a Redis is given as redis://[USER@]HOST[:PORT][/DB], rediss://... for TLS, or unix:///PATH[?db=DB]`,
    );
  };
  if (!URL.canParse(text)) return refuse("it is no URL");
  const url = new URL(text);
  if (url.password !== "")
    return refuse("a password stands in it: put it into a file and name that (passwordFile)");
  if (url.hash !== "") return refuse("it has a #");
  const database = (digits: string): number =>
    /^\d{1,5}$/.test(digits) ? Number(digits) : refuse(`${digits} is no number of a database`);
  const username = url.username === "" ? null : decodeURIComponent(url.username);
  if (url.protocol === "unix:") {
    const { db = "0", ...unknown } = Object.fromEntries(url.searchParams);
    if (url.host !== "" || url.pathname === "" || Object.keys(unknown).length > 0)
      return refuse("it has no path of a socket, or something else beside it");
    return { at: { path: decodeURIComponent(url.pathname) }, username, db: database(db) };
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:")
    return refuse(`${url.protocol} is none of them`);
  if (url.hostname === "") return refuse("it has no host");
  if (url.search !== "") return refuse("it has a ?");
  const path = url.pathname.replace(/^\//, "");
  return {
    at: {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port || 6379),
      tls: url.protocol === "rediss:",
    },
    username,
    db: database(path === "" ? "0" : path),
  };
}
