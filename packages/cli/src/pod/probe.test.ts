import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { Folder } from "../testing/outrigger.ts";
import { act, type Action } from "./probe.ts";

const signal = new AbortController().signal;
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function serving(server: Server, secure: boolean): Promise<Extract<Action, { kind: "http" }>> {
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { kind: "http", host: "127.0.0.1", port, path: "/", secure, headers: [] };
}

for (const [status, expected] of [
  [200, null],
  [204, null],
  [302, null],
  [399, null],
  [400, "HTTP status 400"],
  [404, "HTTP status 404"],
  [503, "HTTP status 503"],
] as const) {
  test(`an HTTP probe that is answered ${status} ${expected === null ? "succeeds" : "fails"}, and follows nowhere`, async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    assert.equal(await act(await serving(server, false), 5000, signal), expected);
    assert.equal(asked, 1);
  });
}

test("an HTTPS probe does not verify certificates, as the kubelet does not", async () => {
  using folder = new Folder();
  // Of nobody that anybody trusts, and for another name.
  const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
  const words =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=someone-else";
  execFileSync("openssl", [...words.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" });
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
    response.end(),
  );
  assert.equal(await act(await serving(server as unknown as Server, true), 5000, signal), null);
});

test("a probe that is not answered ends at its timeout, and says so", async () => {
  const server = createServer(() => {});
  assert.equal(await act(await serving(server, false), 100, signal), "timed out");
  server.closeAllConnections();
});

test("a probe's headers are sent", async () => {
  let seen: unknown;
  const server = createServer((request, response) => {
    seen = [request.headers["host"], request.headers["x-probe"]];
    response.end();
  });
  const action = await serving(server, false);
  const headers = [
    ["Host", "shop.example"],
    ["X-Probe", "yes"],
  ] as const;
  assert.equal(await act({ ...action, headers }, 5000, signal), null);
  assert.deepEqual(seen, ["shop.example", "yes"]);
});
