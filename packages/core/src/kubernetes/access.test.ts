/** Where the access to a cluster comes from, and what is said when it cannot be had. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { TestApiServer, VirtualClock } from "../testing/index.ts";
import { systemClock } from "../time/clock.ts";
import { KubernetesClient } from "./client.ts";
import { findClusterAccess } from "./find-access.ts";
import { inClusterAccess } from "./in-cluster.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";
import { LEASES } from "./objects.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-access-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
let folders = 0;
function folder(files: Readonly<Record<string, string>>): string {
  const path = join(scratch, String(folders++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}
/** A certificate for 127.0.0.1 and `api.example`, and its key. */
function certificate(): { cert: string; key: string } {
  const at = folder({});
  const [cert, key] = [join(at, "cert.pem"), join(at, "key.pem")];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"].concat(
      ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:api.example,IP:127.0.0.1"],
      ["-keyout", key, "-out", cert],
    ),
    { stdio: "ignore" },
  );
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
const { signal } = new AbortController();
const cluster = (port: string) => ({ KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: port });

describe("a pod's own access", () => {
  it("is the service account's: token, namespace and CA from its files, the address from the environment", async () => {
    const tls = certificate();
    const server = await TestApiServer.start({
      tls,
      users: { first: { name: "pod" }, second: { name: "pod" } },
    });
    const serviceAccount = folder({ token: "first\n", "ca.crt": tls.cert, namespace: "team-a\n" });
    const clock = new VirtualClock();
    const env = cluster(String(server.port));
    const access = await findClusterAccess({ env, clock, serviceAccount });
    const client = new KubernetesClient({ access, clock: systemClock });
    closing.push(
      () => server.stop(),
      () => client.close(),
    );
    assert.equal(client.namespace, "team-a");
    const list = () => client.list(LEASES, "team-a", {}, signal);
    await list();
    assert.equal(server.requests[0]?.authorization, "Bearer first");
    writeFileSync(join(serviceAccount, "token"), "second\n");
    await list();
    assert.equal(server.requests[1]?.authorization, "Bearer first");
    clock.advance(10_000);
    await list();
    assert.equal(server.requests[2]?.authorization, "Bearer second");
    // Sooner, where the server knows the old one no more.
    writeFileSync(join(serviceAccount, "token"), "first\n");
    server.users?.delete("second");
    await list();
    assert.deepEqual(
      server.requests.slice(3).map(({ authorization }) => authorization),
      ["Bearer second", "Bearer first"],
    );
    // While it is replaced, what was read before serves.
    rmSync(join(serviceAccount, "token"));
    clock.advance(10_000);
    await list();
  });

  it("does not trust a server whose certificate is not of that CA", async () => {
    const server = await TestApiServer.start({ tls: certificate() });
    const serviceAccount = folder({ token: "t", "ca.crt": certificate().cert, namespace: "x" });
    const access = await inClusterAccess({
      env: cluster(String(server.port)),
      clock: systemClock,
      serviceAccount,
    });
    const client = new KubernetesClient({ access, clock: { ...systemClock, sleep: async () => {} } });
    closing.push(
      () => server.stop(),
      () => client.close(),
    );
    await assert.rejects(client.get(LEASES, "x", "y", signal), {
      code: "kubernetes-unavailable",
      message: /certificate/,
    });
    assert.equal(server.requests.length, 0);
  });

  it("says what is missing, and that it can be switched off", async () => {
    const clock = systemClock;
    await assert.rejects(
      inClusterAccess({ env: cluster("443"), clock, serviceAccount: folder({ token: "t" }) }),
      { code: "kubernetes-no-access", message: /ca\.crt cannot be read: .*automountServiceAccountToken/ },
    );
    await assert.rejects(inClusterAccess({ env: cluster("tcp://x"), clock, serviceAccount: "/nowhere" }), {
      code: "kubernetes-no-access",
      message: /KUBERNETES_SERVICE_PORT "tcp:\/\/x" are no address/,
    });
    const access = await inClusterAccess({
      env: { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" },
      clock,
      serviceAccount: folder({ token: "t", "ca.crt": "c", namespace: "n" }),
    });
    assert.equal(access.server.hostname, "[fd00::1]");
  });
});

const config = (
  parts: { user?: string; cluster?: string; context?: string; current?: string } = {},
): string => `
apiVersion: v1
kind: Config
current-context: ${parts.current ?? "here"}
clusters:
- name: c
  cluster: ${parts.cluster ?? "{server: 'https://127.0.0.1:6443'}"}
users:
- name: u
  user: ${parts.user ?? "{token: secret}"}
contexts:
- name: here
  context: ${parts.context ?? "{cluster: c, user: u, namespace: team-b}"}
`;

describe("a kubeconfig's access", () => {
  const read = (text: string, files: Record<string, string> = {}) =>
    kubeconfigAccess({
      env: { KUBECONFIG: join(folder({ config: text, ...files }), "config") },
      clock: systemClock,
    });

  it("is that of the current context", async () => {
    const access = await read(config());
    assert.equal(access.server.href, "https://127.0.0.1:6443/");
    assert.equal(access.namespace, "team-b");
    assert.equal((await access.credentials()).token, "secret");
    assert.match(access.source, /^context here of .*config$/);
  });

  it("takes certificates from data or from files beside it, a name for TLS, and a token from a file before another", async () => {
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const access = await read(
      config({
        cluster: `{server: 'https://h/prefix', certificate-authority-data: ${base64("CA")}, tls-server-name: api.example}`,
        user: "{token: no, tokenFile: tok, client-certificate: c.pem, client-key: sub/../k.pem}",
      }),
      { tok: "yes\n", "c.pem": "CERT", "k.pem": "KEY" },
    );
    assert.deepEqual(await access.credentials(), { token: "yes", ca: "CA", cert: "CERT", key: "KEY" });
    assert.equal(access.serverName, "api.example");
    assert.equal(access.insecure, false);
  });

  it("reaches a server by another name than its certificate's, and one that nobody looks at", async () => {
    const tls = certificate();
    const server = await TestApiServer.start({ tls });
    closing.push(() => server.stop());
    const ask = async (extra: string): Promise<unknown> => {
      const access = await read(
        config({ cluster: `{server: 'https://localhost:${server.port}', ${extra}}` }).replaceAll(
          "localhost",
          "127.0.0.1",
        ),
        { ca: tls.cert },
      );
      const client = new KubernetesClient({ access, clock: { ...systemClock, sleep: async () => {} } });
      closing.push(() => client.close());
      return await client.list(LEASES, "x", {}, signal);
    };
    await ask("certificate-authority: ca");
    await ask("certificate-authority: ca, tls-server-name: api.example");
    await assert.rejects(ask("certificate-authority: ca, tls-server-name: other.example"), /other\.example/);
    await assert.rejects(ask(""), /certificate/);
    await ask("insecure-skip-tls-verify: true");
  });

  it("proves itself with a client certificate", async () => {
    const [tls, own] = [certificate(), certificate()];
    const server = await TestApiServer.start({
      tls: { ...tls, ca: own.cert, requestCert: true, rejectUnauthorized: true },
    });
    closing.push(() => server.stop());
    const ask = async (user: string): Promise<unknown> => {
      const at = `{server: 'https://127.0.0.1:${server.port}', certificate-authority: ca}`;
      const access = await read(config({ cluster: at, user }), {
        ca: tls.cert,
        cert: own.cert,
        key: own.key,
      });
      const client = new KubernetesClient({ access, clock: { ...systemClock, sleep: async () => {} } });
      closing.push(() => client.close());
      return await client.list(LEASES, "x", {}, signal);
    };
    await ask("{client-certificate: cert, client-key: key}");
    await assert.rejects(ask("{}"), { code: "kubernetes-unavailable" });
  });

  it("merges several files, of which the first that says something counts", async () => {
    const one = folder({
      config: "current-context: there\ncontexts: [{name: there, context: {cluster: c, user: u}}]\n",
    });
    const two = folder({ config: config({ user: "{tokenFile: tok}" }), tok: "beside the second" });
    const env = { KUBECONFIG: [join(one, "config"), join(one, "absent"), join(two, "config")].join(":") };
    const access = await kubeconfigAccess({ env, clock: systemClock });
    assert.equal(access.namespace, null);
    assert.equal((await access.credentials()).token, "beside the second");
  });

  it("is looked for at home, and where there is none both ways are named", async () => {
    const home = folder({});
    const env = { HOME: home };
    await assert.rejects(findClusterAccess({ env, clock: systemClock }), {
      code: "kubernetes-no-access",
      message: new RegExp(`KUBERNETES_SERVICE_HOST is not set.*no kubeconfig at ${home}/.kube/config`),
    });
    mkdirSync(join(home, ".kube"));
    writeFileSync(join(home, ".kube", "config"), config());
    assert.equal((await findClusterAccess({ env, clock: systemClock })).namespace, "team-b");
  });

  const REFUSED: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    "a program that prints a token": [
      config({ user: "{exec: {command: /bin/false}}" }),
      /config: user u: exec is not supported: no program is run for a token: give a token/,
    ],
    "an auth-provider": [config({ user: "{auth-provider: {name: gcp}}" }), /auth-provider is not supported/],
    "a password": [
      config({ user: "{username: a, password: b}" }),
      /username is not supported: API servers take no/,
    ],
    impersonation: [config({ user: "{token: t, as: root}" }), /as is not supported/],
    "a proxy": [
      config({ cluster: "{server: 'https://a', proxy-url: 'http://b'}" }),
      /cluster c: proxy-url is not/,
    ],
    "a server that is none": [
      config({ cluster: "{server: '10.0.0.1:6443'}" }),
      /server "10\.0\.0\.1:6443" is no https/,
    ],
    "a context that is not there": [
      config({ current: "gone" }),
      /there is no context "gone", which current-context names/,
    ],
    "a cluster that is not there": [
      config({ context: "{cluster: gone, user: u}" }),
      /there is no cluster "gone", which .*context here names/,
    ],
    "no context at all": [config({ current: "''" }), /no current-context: kubectl config use-context/],
    "half a key pair": [
      config({ user: "{client-certificate-data: QQ==}" }),
      /client-certificate and client-key go together/,
    ],
    "data that is no base64": [
      config({ user: "{client-key-data: '-----BEGIN'}" }),
      /client-key-data is not base64/,
    ],
    "no YAML": ["{", /config: not YAML/],
    "another shape": ["clusters: 5", /config: clusters: /],
  };
  for (const [what, [text, message]] of Object.entries(REFUSED))
    it(`is refused with ${what}`, async () => {
      await assert.rejects(read(text), { code: "bad-kubeconfig", message });
    });

  it("never shows a secret in what it refuses", async () => {
    for (const text of [config({ user: "{token: [hush-hush]}" }), config({ user: '{token: "hush-hush' })])
      await assert.rejects(read(text), (error: Error) => !error.message.includes("hush-hush"));
  });
});
