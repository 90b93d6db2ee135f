/** A redis-server that speaks TLS on loopback, with a certificate of its own making. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { noRedisServer, RedisServer } from "./redis-server.ts";

/** For a test's `skip`: false, or the reason. */
export const noTlsRedis: string | false =
  noRedisServer ||
  (spawnSync("openssl", ["version"]).error !== undefined &&
    "openssl is not on PATH: apt-get install openssl");

export class TlsRedis {
  readonly server: RedisServer;
  readonly url: string;
  /** Of the authority that it is to be trusted by: itself. */
  readonly caFile: string;
  readonly #folder: string;

  private constructor(server: RedisServer, port: number, folder: string) {
    this.server = server;
    this.url = `rediss://127.0.0.1:${port}`;
    this.caFile = join(folder, "cert.pem");
    this.#folder = folder;
  }

  /** @param args further settings, as redis-server's command line has them */
  static async start(args: readonly string[] = []): Promise<TlsRedis> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext";
    const made = spawnSync(
      "openssl",
      [...words.split(" "), "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
      { encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr}`);
    const port = await freePort();
    const tls = ["--tls-port", String(port), "--tls-auth-clients", "no"];
    const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert];
    return new TlsRedis(await RedisServer.start([...tls, ...files, ...args]), port, folder);
  }

  async end(): Promise<void> {
    await this.server.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
