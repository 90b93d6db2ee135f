/** An elector in a cluster, from its configuration: the Lease, the rights that --print-role prints, and the Service's slice. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { silentLogger, type Logger } from "@outrigger/core";
import { ENDPOINT_SLICES, LEASES, type EndpointSlice, type Lease } from "@outrigger/core/kubernetes";
import { eventually, TestApiServer, type Rule } from "@outrigger/core/testing";
import { parseAllDocuments } from "yaml";
import { parseLeaderElectorConfig, type LeaderElectorInput } from "./config/config.ts";
import { createLeaderElector, type LeaderElector } from "./leader-elector.ts";
import { hereAndNow } from "./identity.ts";
import { printRole } from "./print-role.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-cluster-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const INPUT: LeaderElectorInput = {
  election: "ticker",
  store: "kubernetes",
  http: 0,
  retryPeriod: "50ms",
  service: "ticker",
  servicePorts: ["http=8080", "dns=53/UDP"],
};

/** What kubectl applies. */
const documentsOf = (input: LeaderElectorInput): Record<string, unknown>[] =>
  parseAllDocuments(printRole(parseLeaderElectorConfig(input), { POD_SERVICE_ACCOUNT: "ticker" })).map(
    (document) => document.toJS() as Record<string, unknown>,
  );

const RESOURCES = [LEASES, ENDPOINT_SLICES];

/** Where that was applied, and who may do what. */
async function cluster(input: LeaderElectorInput): Promise<TestApiServer> {
  const documents = documentsOf(input);
  const role = documents.find(({ kind }) => kind === "Role") as { rules: Rule[] };
  const users = { t: { name: "ticker", namespace: "default", rules: role.rules }, admin: { name: "admin" } };
  const server = await TestApiServer.start({ users });
  closing.push(() => server.stop());
  for (const document of documents) {
    const resource = RESOURCES.find(({ kind }) => kind === document["kind"]);
    if (resource) server.store.create(resource, "default", document as never);
  }
  return server;
}

let files = 0;
async function replica(
  server: TestApiServer,
  ip: string,
  input = INPUT,
  log: Logger = silentLogger,
): Promise<LeaderElector> {
  const kubeconfig = join(scratch, `config-${++files}`);
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
      clusters: [{ name: "k", cluster: { server: server.url } }],
      users: [{ name: "u", user: { token: "t" } }],
    }),
  );
  const env = { KUBECONFIG: kubeconfig, POD_IP: ip, POD_NAME: `ticker-${ip}`, POD_UID: `u-${ip}` };
  const elector = createLeaderElector(input, { surroundings: { ...hereAndNow, env }, log });
  closing.push(() => elector.stop());
  await elector.start();
  return elector;
}

const leads = (elector: LeaderElector): boolean => elector.elector("ticker")?.view.isLeader === true;

describe("an elector in a cluster", () => {
  it("needs no more rights than are printed, names its pod in the Service's slice, and hands both over", async () => {
    const server = await cluster(INPUT);
    const slice = () =>
      server.store.get(ENDPOINT_SLICES, "default", "ticker-leader") as unknown as EndpointSlice;
    const addresses = () => (slice().endpoints ?? []).map((endpoint) => endpoint.addresses[0]);
    const first = await replica(server, "10.0.0.1");
    await eventually("the first leads", () => leads(first));
    const lease = server.store.get(LEASES, "default", "ticker") as Lease;
    assert.equal(lease.spec?.holderIdentity, "ticker-10.0.0.1_u-10.0.0.1");
    assert.deepEqual(addresses(), ["10.0.0.1"]);
    assert.deepEqual(
      slice().ports?.map(({ name, port, protocol }) => [name, port, protocol]),
      [
        ["http", 8080, "TCP"],
        ["dns", 53, "UDP"],
      ],
    );
    const second = await replica(server, "10.0.0.2");
    const token = first.elector("ticker")?.view.token ?? 0n;
    const atRelease: (string | undefined)[][] = [];
    second.elector("ticker")?.changes.onChange(({ entry }) => {
      if (entry.leader === null) atRelease.push(addresses());
    });
    await first.elector("ticker")?.retire(new AbortController().signal);
    await eventually("the second leads", () => leads(second));
    assert.deepEqual(addresses(), ["10.0.0.2"]);
    assert.deepEqual(atRelease[0] ?? [], [], "emptied before the release");
    assert.ok((second.elector("ticker")?.view.token ?? 0n) > token);
  });

  it("goes on leading, named in the slice, when what is printed is applied again", async () => {
    const server = await cluster(INPUT);
    const elector = await replica(server, "10.0.0.1");
    await eventually("it leads", () => leads(elector));
    const { token } = elector.elector("ticker")?.view ?? assert.fail();
    for (const document of documentsOf(INPUT)) {
      const resource = RESOURCES.find(({ kind }) => kind === document["kind"]);
      if (resource === undefined) continue;
      const { group, version, plural } = resource;
      const { name } = document["metadata"] as { name: string };
      // kubectl sends what differs from what stands; the lists of a slice are atomic, so that this is a merge patch.
      const answer = await fetch(
        `${server.url}/apis/${group}/${version}/namespaces/default/${plural}/${name}`,
        {
          method: "PATCH",
          headers: { authorization: "Bearer admin", "content-type": "application/merge-patch+json" },
          body: JSON.stringify(document),
        },
      );
      assert.equal(answer.status, 200);
    }
    const slice = server.store.get(ENDPOINT_SLICES, "default", "ticker-leader") as unknown as EndpointSlice;
    assert.deepEqual(slice.endpoints?.[0]?.addresses, ["10.0.0.1"]);
    assert.equal(slice.ports?.length, 2);
    assert.equal(elector.elector("ticker")?.view.token, token);
  });

  it("without rights says what to grant, and goes on trying", async () => {
    const server = await cluster(INPUT);
    server.users = new Map([["t", { name: "ticker", namespace: "default", rules: [] }]]);
    const said: string[] = [];
    const say = (fields: object, message: string): void =>
      void said.push(`${message}: ${JSON.stringify(fields)}`);
    const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log };
    const input = { election: "ticker", store: "kubernetes", http: 0, retryPeriod: "50ms" };
    const elector = await replica(server, "10.0.0.1", input, log);
    await eventually("it was refused twice", () => said.length > 1);
    assert.match(said[0] ?? "", /get leases\b.*default\/ticker.*grant/i);
    assert.equal(leads(elector), false);
    const { rules } = (await cluster(input)).users?.get("t") ?? assert.fail();
    server.users.set("t", { name: "ticker", namespace: "default", rules: rules ?? [] });
    await eventually("it leads", () => leads(elector));
  });

  it("does not start where POD_IP is missing, and says where to take it from", async () => {
    const server = await cluster(INPUT);
    await assert.rejects(replica(server, ""), /POD_IP does not say ours: set it from fieldRef status.podIP/);
  });
});

describe("the printed rights", () => {
  const printed = (input: LeaderElectorInput): string => printRole(parseLeaderElectorConfig(input), {});

  it("are of each election on its own, in its namespace", () => {
    const text = printed({
      election: "one",
      namespace: "prod",
      elections: [{ election: "two" }, { election: "three", store: "memory" }],
    });
    assert.deepEqual(
      parseAllDocuments(text).map((document) => {
        const { kind, metadata } = document.toJS() as { kind: string; metadata: Record<string, string> };
        return `${kind} ${metadata["namespace"]}/${metadata["name"]}`;
      }),
      ["one", "two"].flatMap((name) => {
        const namespace = name === "one" ? "prod" : "default";
        const role = `${namespace}/outrigger-leader-elector-${name}`;
        return [`Role ${role}`, `RoleBinding ${role}`, `Lease ${namespace}/${name}`];
      }),
    );
  });

  it("say for which service account they are, and how to name another", () => {
    assert.match(printed({ election: "one" }), /^# For the service account default, .*POD_SERVICE_ACCOUNT/);
    const text = printRole(parseLeaderElectorConfig({ election: "one" }), {
      POD_SERVICE_ACCOUNT: "ticker",
      POD_NAMESPACE: "shop",
    });
    assert.match(text, /^# For the service account ticker, in namespace shop/);
    assert.match(text, /kind: ServiceAccount\n +name: "ticker"\n +namespace: "shop"/);
  });

  it("have a slice of IPv6 addresses where POD_IP is one", () => {
    const of = (env: NodeJS.ProcessEnv): string => printRole(parseLeaderElectorConfig(INPUT), env);
    assert.match(of({}), /^addressType: IPv4$/m);
    assert.match(of({ POD_IP: "::" }), /^addressType: IPv6$/m);
  });

  it("have no Lease where that stands elsewhere, and are refused where there is nothing to grant", () => {
    const text = printed({ ...INPUT, store: "redis://redis" });
    assert.doesNotMatch(text, /lease/i);
    assert.match(text, /resourceNames: \["ticker-leader"\]/);
    assert.throws(
      () => printed({ election: "t", store: "memory" }),
      /no election has its lease in a cluster/,
    );
  });
});
