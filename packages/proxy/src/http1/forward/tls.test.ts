/** TLS to the endpoints, with certificates made for the test by openssl. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { OutriggerError } from "@outrigger/core";
import { silentLogger, systemClock } from "@outrigger/core";
import type { Endpoint } from "@outrigger/upstream";
import { startProxy, type ProxyUnderTest } from "../testing/bench-of-parts.ts";
import {
  loadUpstreamTls,
  UpstreamTlsWatcher,
  type UpstreamTls,
  type UpstreamTlsFiles,
} from "./upstream-tls.ts";
import { HTTP1_DEFAULTS } from "./settings.ts";
import { readFileSync } from "node:fs";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
let dir = "";
const file = (name: string): string => join(dir, name);

/** A certificate of `name`, signed by the authority `ca` (which is made when it does not exist yet). */
function makeAuthority(ca: string): void {
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      file(`${ca}.key`),
      "-out",
      file(`${ca}.pem`),
      "-days",
      "2",
      "-subj",
      `/CN=${ca}`,
    ],
    { stdio: "pipe" },
  );
}
function makeCertificate(ca: string, name: string, subjectAltName: string): void {
  execFileSync(
    "openssl",
    [
      "req",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.csr`),
      "-subj",
      `/CN=${name}`,
      "-addext",
      `subjectAltName=${subjectAltName}`,
    ],
    { stdio: "pipe" },
  );
  execFileSync(
    "openssl",
    [
      "x509",
      "-req",
      "-in",
      file(`${name}.csr`),
      "-CA",
      file(`${ca}.pem`),
      "-CAkey",
      file(`${ca}.key`),
      "-CAcreateserial",
      "-copy_extensions",
      "copy",
      "-days",
      "2",
      "-out",
      file(`${name}.pem`),
    ],
    { stdio: "pipe" },
  );
}

const files = (changes: Partial<UpstreamTlsFiles> = {}): UpstreamTlsFiles => ({
  caFile: file("ca.pem"),
  certFile: null,
  keyFile: null,
  serverName: null,
  ...changes,
});

/** A TLS backend that answers every request with who asked, by certificate and by SNI. */
async function startBackend(
  options: { requestCert?: boolean } = {},
): Promise<{ server: Server; port: number; connections: TLSSocket[] }> {
  const connections: TLSSocket[] = [];
  const server = createServer(
    {
      cert: readFileSync(file("server.pem")),
      key: readFileSync(file("server.key")),
      ca: readFileSync(file("ca.pem")),
      requestCert: options.requestCert ?? false,
      rejectUnauthorized: options.requestCert ?? false,
      ALPNProtocols: ["http/1.1"],
    },
    (socket: TLSSocket) => {
      connections.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => {
        const who = (socket.getPeerCertificate().subject as { CN?: string } | undefined)?.CN ?? "nobody";
        const body = `${who} ${String(socket.servername)} ${String(socket.alpnProtocol)}`;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
    },
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port, connections };
}

const proxyTo = (port: number, tls: UpstreamTls): Promise<ProxyUnderTest> =>
  startProxy({ backends: [], tls, upstream: { endpoints: [`127.0.0.1:${port}`], retries: 0 } });

before(() => {
  dir = mkdtempSync(join(tmpdir(), "outrigger-tls-"));
  makeAuthority("ca");
  makeAuthority("other-ca");
  makeCertificate("ca", "server", "DNS:catalog.test,IP:127.0.0.1");
  makeCertificate("ca", "old-client", "DNS:old");
  makeCertificate("ca", "new-client", "DNS:new");
});
after(() => rmSync(dir, { recursive: true, force: true }));

describe("https to the endpoints", () => {
  it("is checked against the authority, by address or by the name asked for, and speaks http/1.1", async () => {
    const backend = await startBackend();
    for (const [serverName, seen] of [
      [null, "nobody false http/1.1"],
      ["catalog.test", "nobody catalog.test http/1.1"],
    ] as const) {
      await using proxy = await proxyTo(backend.port, await loadUpstreamTls(files({ serverName })));
      const client = await proxy.client();
      for (let n = 0; n < 3; n++) {
        client.write(GET);
        assert.equal((await client.message()).body, seen);
      }
    }
    backend.server.close();
  });

  it("asks each endpoint by its own name, not by the address that the name led to", async () => {
    const tls = await loadUpstreamTls(files());
    const at = (name: string): Endpoint => ({ name, host: "127.0.0.1" }) as Endpoint;
    assert.equal(tls.options(at("a.test")).servername, "a.test");
    assert.equal(tls.options(at("b.test")).servername, "b.test");
    assert.equal(tls.options(at("127.0.0.1")).servername, "");
  });

  it("refuses a certificate of another name, and of another authority, with the reason in the answer", async () => {
    const backend = await startBackend();
    for (const [changes, reason] of [
      [{ serverName: "elsewhere.test" }, /connect-failure.*does not match|connect-failure.*altnames/s],
      [{ caFile: file("other-ca.pem") }, /connect-failure.*(unable to verify|self.signed|issuer)/s],
    ] as const) {
      await using proxy = await proxyTo(backend.port, await loadUpstreamTls(files(changes)));
      const client = await proxy.client();
      client.write(GET);
      const { head, body } = await client.message();
      assert.match(head, /^HTTP\/1.1 502/);
      assert.match(head + body, reason);
    }
    backend.server.close();
  });

  it("shows our certificate (mTLS); when its files change, new connections show the new one", async () => {
    const backend = await startBackend({ requestCert: true });
    for (const kind of ["pem", "key"]) copyFileSync(file(`old-client.${kind}`), file(`client.${kind}`));
    await using proxy = await proxyTo(
      backend.port,
      await loadUpstreamTls(files({ certFile: file("client.pem"), keyFile: file("client.key") })),
    );
    const watcher = new UpstreamTlsWatcher(
      files({ certFile: file("client.pem"), keyFile: file("client.key") }),
      systemClock,
      3_600_000,
      silentLogger,
      (tls) => proxy.listener.reconfigure(HTTP1_DEFAULTS, tls),
    );
    await watcher.start();
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).body, /^old-client /);
    // Nothing has changed: the same generation stays, and with it the idle connections.
    const [before] = backend.connections;
    await watcher.check();
    client.write(GET);
    assert.match((await client.message()).body, /^old-client /);
    assert.equal(backend.connections.length, 1);
    assert.ok(before);
    // A key without its certificate is a rotation half done: the old credentials stay.
    copyFileSync(file("new-client.key"), file("client.key"));
    await watcher.check();
    client.write(GET);
    assert.match((await client.message()).body, /^old-client /);
    copyFileSync(file("new-client.pem"), file("client.pem"));
    await watcher.check();
    client.write(GET);
    assert.match((await client.message()).body, /^new-client /);
    watcher.stop();
    const made = backend.connections.length;
    for (const kind of ["pem", "key"]) copyFileSync(file(`old-client.${kind}`), file(`client.${kind}`));
    await watcher.check();
    client.write(GET);
    assert.match((await client.message()).body, /^new-client /);
    assert.equal(backend.connections.length, made, "a watcher that was stopped has acted");
    backend.server.close();
  });

  it("says which file cannot be read, or used", async () => {
    await assert.rejects(
      loadUpstreamTls(files({ caFile: file("absent.pem") })),
      (error: OutriggerError) =>
        error.code === "bad-tls" && /tls.caFile .*absent.pem cannot be read/.test(error.message),
    );
    await assert.rejects(
      loadUpstreamTls(files({ certFile: file("old-client.pem"), keyFile: file("new-client.key") })),
      /old-client.pem, .*new-client.key cannot be used: /,
    );
  });
});
