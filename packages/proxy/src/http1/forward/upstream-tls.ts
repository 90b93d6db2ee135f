/**
 * TLS to the endpoints, from files that others rotate: the certificates are read when the files change, and used by
 * connections opened from then on.
 */
import { stat } from "node:fs/promises";
import { isIP } from "node:net";
import { createSecureContext, type ConnectionOptions, type SecureContext } from "node:tls";
import {
  OutriggerError,
  readText,
  type Clock,
  type Logger,
  type Milliseconds,
  type Timer,
} from "@outrigger/core";
import type { Endpoint } from "@outrigger/upstream";

export interface UpstreamTlsFiles {
  /** PEM bundle of the authorities to trust; null: those that Node ships. */
  readonly caFile: string | null;
  /** Our own certificate and key, both or neither (mTLS). */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The name to ask for (SNI) and to find in the endpoint's certificate; null: each endpoint's own name. */
  readonly serverName: string | null;
}

/** One generation of credentials; never changes. */
export class UpstreamTls {
  readonly #context: SecureContext;
  readonly #serverName: string | null;

  constructor(context: SecureContext, serverName: string | null) {
    this.#context = context;
    this.#serverName = serverName;
  }

  options(endpoint: Endpoint): ConnectionOptions {
    const name = this.#serverName ?? endpoint.name;
    return {
      secureContext: this.#context,
      // SNI takes no addresses (RFC 6066 section 3); Node then checks the certificate against the address itself.
      ...(isIP(name) === 0 ? { servername: name } : { servername: "" }),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: true,
    };
  }
}

/**
 * Reads the files once.
 * @throws OutriggerError `bad-tls` naming the file that cannot be read or used
 */
export async function loadUpstreamTls(files: UpstreamTlsFiles): Promise<UpstreamTls> {
  const read = async (what: string, file: string | null): Promise<string | undefined> => {
    if (file === null) return undefined;
    try {
      return await readText(file);
    } catch (error) {
      throw new OutriggerError("bad-tls", `${what} ${file} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const [ca, cert, key] = await Promise.all([
    read("tls.caFile", files.caFile),
    read("tls.certFile", files.certFile),
    read("tls.keyFile", files.keyFile),
  ]);
  try {
    const context = createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      minVersion: "TLSv1.2",
    });
    return new UpstreamTls(context, files.serverName);
  } catch (error) {
    const named = [files.caFile, files.certFile, files.keyFile].filter((file) => file !== null).join(", ");
    throw new OutriggerError(
      "bad-tls",
      `the certificates in ${named} cannot be used: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Looks at the files now and then (a secret volume swaps a link, which watchers miss) and loads them when one has changed. */
export class UpstreamTlsWatcher {
  readonly #files: UpstreamTlsFiles;
  readonly #clock: Clock;
  readonly #interval: Milliseconds;
  readonly #log: Logger;
  readonly #changed: (tls: UpstreamTls) => void;
  #timer: Timer | null = null;
  #seen = "";
  #stopped = false;

  constructor(
    files: UpstreamTlsFiles,
    clock: Clock,
    interval: Milliseconds,
    log: Logger,
    changed: (tls: UpstreamTls) => void,
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#interval = interval;
    this.#log = log;
    this.#changed = changed;
  }

  /** Loads the first generation. Throws like loadUpstreamTls. */
  async start(): Promise<UpstreamTls> {
    this.#seen = await this.#stamp();
    const tls = await loadUpstreamTls(this.#files);
    this.#schedule();
    return tls;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
    this.#timer = null;
  }

  /** Looks once, at once. A bad set of files is refused: the old credentials stay, and the next look tries again. */
  async check(): Promise<void> {
    const stamp = await this.#stamp();
    if (stamp === this.#seen) return;
    try {
      const tls = await loadUpstreamTls(this.#files);
      this.#seen = stamp;
      if (!this.#stopped) this.#changed(tls);
      this.#log.info({ files: this.#files }, "upstream certificates reloaded");
    } catch (error) {
      this.#log.error(
        { err: (error as Error).message },
        "upstream certificates changed but cannot be used; the old ones stay",
      );
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.timer(this.#interval, () => void this.check().finally(() => this.#schedule()), {
      unref: true,
    });
  }

  /** What tells one state of the files from another. */
  async #stamp(): Promise<string> {
    const parts = [this.#files.caFile, this.#files.certFile, this.#files.keyFile].map(async (file) => {
      if (file === null) return "";
      try {
        const { ino, mtimeMs, size } = await stat(file);
        return `${ino}:${mtimeMs}:${size}`;
      } catch {
        return "absent";
      }
    });
    return (await Promise.all(parts)).join("|");
  }
}
