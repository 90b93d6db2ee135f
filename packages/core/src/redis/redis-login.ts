/** What a connection to a Redis is opened with, as ioredis has it: where it is, who comes, and whom to trust. */
import { readText } from "../config/read-text.ts";
import { readSecretFile } from "../config/secret-file.ts";
import type { RedisAddress } from "./redis-address.ts";

export interface RedisFiles {
  readonly passwordFile?: string | undefined;
  /** PEM, of the authorities to trust for rediss://. Default: those that Node ships. */
  readonly caFile?: string | undefined;
}

export type RedisLogin = ({ readonly path: string } | { readonly host: string; readonly port: number }) & {
  readonly tls?: { readonly ca?: string };
  readonly username?: string;
  readonly password?: string;
};

/**
 * Reads both files, so that who asks again for each connection follows a secret that was rotated.
 * @throws OutriggerError `unreadable-secret`; an error of the file system where the authorities cannot be read
 */
export async function redisLogin(
  { at, username }: RedisAddress,
  { passwordFile, caFile }: RedisFiles,
): Promise<RedisLogin> {
  const password =
    passwordFile === undefined ? undefined : await readSecretFile(passwordFile, "passwordFile");
  const ca = caFile === undefined ? undefined : await readText(caFile);
  return {
    ...("path" in at ? { path: at.path } : { host: at.host, port: at.port }),
    ...("tls" in at && at.tls && { tls: ca === undefined ? {} : { ca } }),
    ...(username !== null && { username }),
    ...(password !== undefined && { password }),
  };
}

/** For messages: HOST:PORT, or the socket's path. */
export const formatRedisPlace = ({ at }: RedisAddress): string =>
  "path" in at ? at.path : `${at.host}:${at.port}`;
