/** Jobs in Postgres 13 or later, in a schema of their own that is made, and brought up to date, when it is opened. */
import { OutriggerError, readSecretFile, readText, type Milliseconds } from "@outrigger/core";
import {
  assertSchemaCompatibility,
  createPostgresBackend,
  LATEST_SCHEMA_VERSION,
  runMigrations,
  SchemaMigrationRequiredError,
  type PgPool,
} from "bullmq";
import { Socket } from "node:net";
import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { PostgresBlobs } from "../blobs/postgres-blobs.ts";
import type { Backend } from "./backend.ts";
import { bullmqOn, LONGEST_WAIT, PATIENCE } from "./bullmq-on.ts";
import { isLost, wordsOf } from "./lost-connection.ts";
import { Listeners } from "./postgres-listeners.ts";
import { SCHEMA } from "./schema.ts";

/** Another process may be at it, and ours waits for it. */
const MIGRATION_PATIENCE: Milliseconds = 600_000;
/** For all that asks, beside one of its own for each worker and each set of events: it listens on that as long as it is open. */
const CONNECTIONS = 8;

/** @throws OutriggerError `postgres-unreachable`, `unreadable-secret`; an error of pg where the database is not ours to write */
export async function openPostgres(
  url: string,
  {
    passwordFile,
    caFile,
  }: { readonly passwordFile?: string | undefined; readonly caFile?: string | undefined },
  storeTimeout: Milliseconds,
  signal?: AbortSignal,
): Promise<Backend> {
  const sockets = new Sockets();
  // Where it cannot be read pg would say that the server is away.
  if (passwordFile !== undefined) await readSecretFile(passwordFile, "passwordFile");
  const config = {
    // Read by itself: as connectionString its want of a password would count more than ours.
    ...parseIntoClientConfig(url),
    stream: () => sockets.open(),
    ...(passwordFile !== undefined && { password: () => readSecretFile(passwordFile, "passwordFile") }),
    ...(caFile !== undefined && { ssl: { ca: await readText(caFile) } }),
    application_name: "outrigger-work-queue",
    connectionTimeoutMillis: 5_000,
  };
  const client = new pg.Client({
    ...config,
    ...{ keepAlive: true, keepAliveInitialDelayMillis: LONGEST_WAIT, query_timeout: MIGRATION_PATIENCE },
  });
  let isBroken = false;
  client.on("error", () => (isBroken = true));
  const unreachable = (thrown: unknown): OutriggerError =>
    new OutriggerError(
      "postgres-unreachable",
      `no connection to Postgres at ${client.host}:${client.port}: ${wordsOf(thrown)}`,
      { cause: thrown },
    );
  const cut = (): void => sockets.cut();
  signal?.addEventListener("abort", cut);
  let isReached = false;
  try {
    await client.connect();
    // One that lets us in and says nothing more is away.
    const greeting = { text: "SELECT 1", query_timeout: PATIENCE };
    await client.query(greeting);
    isReached = true;
    // Whoever migrates holds a lock, and may have gone: who has nothing to do does not wait for it.
    if ((await schemaVersion(client)) < LATEST_SCHEMA_VERSION) await runMigrations(client, SCHEMA);
  } catch (thrown) {
    cut();
    const { message } = thrown as Error;
    const isRefused = "severity" in (thrown as Error) ? !isLost(thrown) : message !== "Query read timeout";
    throw isReached && !isBroken && isRefused ? thrown : unreachable(thrown);
  } finally {
    signal?.removeEventListener("abort", cut);
  }
  // Not awaited: a server that says nothing by now does not hang up, either.
  void client.end();
  // After a failover a connection may be open, and lead nowhere.
  const pool = new pg.Pool({
    ...config,
    max: CONNECTIONS,
    keepAlive: true,
    keepAliveInitialDelayMillis: LONGEST_WAIT,
    query_timeout: LONGEST_WAIT + PATIENCE,
    options: `-c search_path=${SCHEMA}`,
  });
  const listeners = new Listeners(pool, LONGEST_WAIT);
  // Each of BullMQ's classes hears of its errors, but for sets of events; where nobody did, one would end the process.
  pool.setMaxListeners(0);
  pool.on("error", () => {});
  // The pool hears of those that are idle; BullMQ takes some out and does not listen: that would end the process.
  pool.on("connect", (taken) => taken.on("error", () => {}));
  // It is one; its types say the same by other words.
  const connection = pool as unknown as PgPool;
  return bullmqOn(
    createPostgresBackend,
    {
      asking: connection,
      waiting: connection,
      reading: withoutListeners(pool) as PgPool,
      listens: () => pool.options.max++,
      cut: () => {
        listeners.end();
        sockets.cut();
      },
      end: () => pool.end(),
    },
    (queue, clock) => PostgresBlobs.open(pool, queue, clock, storeTimeout),
  );
}

/** 0: there is none yet. @throws what BullMQ does where it is too new, and pg */
async function schemaVersion(client: pg.Client): Promise<number> {
  try {
    return await assertSchemaCompatibility(client, SCHEMA);
  } catch (thrown) {
    if (thrown instanceof SchemaMigrationRequiredError) return 0;
    throw thrown;
  }
}

/** Its connections, to one of BullMQ's classes that may be given up: the pool would keep what listens to its errors. */
const withoutListeners = (pool: pg.Pool): object => ({
  options: pool.options,
  connect: () => pool.connect(),
  query: (text: string, values?: unknown[]) => pool.query(text, values),
  end: () => pool.end(),
  on: () => {},
});

/** Of one backend, ended all at once: pg's own end waits for the server to hang up. */
class Sockets {
  readonly #open = new Set<Socket>();
  #isCut = false;

  /** One that is not connected yet. */
  open(): Socket {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    // The caller connects it first.
    if (this.#isCut) process.nextTick(() => socket.destroy());
    return socket;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }
}
