/** Where the bench's leases stand: a folder, a real Redis, and the in-process API server over TLS, as a cluster's is. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noRedisServer, RedisServer, TestApiServer } from "@outrigger/core/testing";

export interface BenchStore {
  readonly name: string;
  readonly address: string;
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/** @param scratch a folder of the bench's own */
export async function openStores(scratch: string): Promise<{ stores: BenchStore[]; missing: string[] }> {
  const stores: BenchStore[] = [];
  const missing: string[] = [];
  const folder = join(scratch, "leases");
  mkdirSync(folder);
  stores.push({ name: "file", address: `file:${folder}`, env: process.env, close: async () => {} });
  if (noRedisServer === false) {
    const redis = await RedisServer.start();
    stores.push({ name: "Redis", address: redis.url, env: process.env, close: () => redis.end() });
  } else missing.push(noRedisServer);
  const [key, cert] = [join(scratch, "key.pem"), join(scratch, "cert.pem")];
  const subject = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
    ...[...subject, "-keyout", key, "-out", cert],
  ]);
  if (made.status === 0) stores.push(await kubernetes(scratch, key, cert));
  else missing.push("openssl is not on PATH or made no certificate: apt-get install openssl");
  return { stores, missing };
}

async function kubernetes(scratch: string, key: string, cert: string): Promise<BenchStore> {
  const server = await TestApiServer.start({ tls: { key: readFileSync(key), cert: readFileSync(cert) } });
  const file = join(scratch, "kubeconfig.json");
  const config = {
    "current-context": "bench",
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench", namespace: "default" } }],
    clusters: [{ name: "bench", cluster: { server: server.url, "certificate-authority": cert } }],
    users: [{ name: "bench", user: { token: "bench" } }],
  };
  writeFileSync(file, JSON.stringify(config));
  const env = { ...process.env, KUBECONFIG: file };
  return { name: "Kubernetes", address: "kubernetes", env, close: () => server.stop() };
}
