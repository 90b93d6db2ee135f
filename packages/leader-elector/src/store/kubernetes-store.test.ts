/** A lease as a Lease object: what client-go's candidates see of ours, and we of theirs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "node:test";
import { parseYaml } from "@outrigger/core/yaml";
import { LEASES, type Lease } from "@outrigger/core/kubernetes";
import { TestApiServer, type ApiServerOptions, type Rule } from "@outrigger/core/testing";
import type { LeaseRecord } from "../election/lease-store.ts";
import { clientOf } from "../testing/api-client.ts";
import { held as leaseOf } from "../testing/lease-record.ts";
import { rightsManifest } from "./kubernetes-rights.ts";
import { KubernetesStore } from "./kubernetes-store.ts";
import { formatMicroTime, parseMicroTime } from "./micro-time.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const { signal } = new AbortController();
const AT = Date.UTC(2026, 10, 21, 12) * 1_000 + 123_456;
const held = (holder: string, more: Partial<LeaseRecord> = {}): LeaseRecord =>
  leaseOf(holder, { acquiredAt: AT, renewedAt: AT, transitions: 0, ...more });

async function setup(options: ApiServerOptions & { token?: string; timeout?: number } = {}) {
  const server = await TestApiServer.start(options);
  const client = clientOf(server, options);
  closing.push(
    () => server.stop(),
    () => client.close(),
  );
  const store = new KubernetesStore({ client, namespace: "default", name: "ticker" });
  const stands = (): Lease => server.store.get(LEASES, "default", "ticker");
  const put = (spec: Lease["spec"], annotations = {}): Lease =>
    server.store.update(LEASES, "default", {
      ...stands(),
      metadata: { ...stands().metadata, annotations },
      spec,
    });
  return { server, client, store, stands, put };
}

describe("the Lease", () => {
  it("is created as client-go would, and read back as it was written", async () => {
    const { store, stands } = await setup();
    const nothing = await store.read(signal);
    const written = await store.write(held("a"), nothing, true, signal);
    assert.deepEqual(stands().spec, {
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2026-11-21T12:00:00.123456Z",
      renewTime: "2026-11-21T12:00:00.123456Z",
      leaseTransitions: 0,
    });
    assert.equal(written?.token, BigInt(stands().metadata.resourceVersion ?? ""));
    assert.deepEqual((await store.read(signal)).record, held("a"));
  });

  it("is released as client-go does, and one that client-go has released is free", async () => {
    const { store, stands, put } = await setup();
    const first = await store.write(
      held("a", { address: "10.0.0.1:80" }),
      await store.read(signal),
      true,
      signal,
    );
    assert.ok(first);
    const released = held("", { leaseDuration: 1_000 });
    assert.ok(await store.write(released, first, false, signal));
    assert.equal(stands().spec?.holderIdentity, "");
    assert.equal(stands().spec?.leaseDurationSeconds, 1);
    assert.deepEqual(stands().metadata.annotations, {});
    const time = "2026-11-21T12:00:09.000000Z";
    put({
      holderIdentity: "",
      leaseDurationSeconds: 1,
      leaseTransitions: 4,
      acquireTime: time,
      renewTime: time,
    });
    assert.deepEqual((await store.read(signal)).record, {
      ...released,
      transitions: 4,
      acquiredAt: Date.parse(time) * 1_000,
      renewedAt: Date.parse(time) * 1_000,
    });
  });

  for (const [what, spec] of Object.entries({
    "no spec": undefined,
    "a null spec": null,
    "an empty spec": {},
  }))
    it(`with ${what}, created beforehand, is free, and is acquired by an update`, async () => {
      const { store, server, stands } = await setup();
      server.store.create(LEASES, "default", {
        metadata: { name: "ticker" },
        ...(spec === undefined ? {} : { spec }),
      });
      const seen = await store.read(signal);
      const empty = {
        holder: "",
        leaseDuration: 0,
        acquiredAt: 0,
        renewedAt: 0,
        transitions: 0,
        address: "",
      };
      assert.deepEqual(seen.record, empty);
      assert.ok(await store.write(held("a", { transitions: 1 }), seen, true, signal));
      assert.equal(stands().spec?.holderIdentity, "a");
      assert.deepEqual(
        server.requests.map(({ verb }) => verb),
        ["get", "update"],
      );
    });

  it("keeps what others have written beside the record: labels, annotations, owners, fields of later versions", async () => {
    const { store, server, stands } = await setup();
    server.store.create(LEASES, "default", {
      metadata: {
        name: "ticker",
        labels: { team: "x" },
        annotations: { note: "y" },
        ...{ ownerReferences: [{ kind: "Deployment", name: "ticker" }] },
      },
      spec: { strategy: "OldestEmulationVersion", holderIdentity: null },
    });
    await store.write(held("a", { address: "[fd00::1]:80" }), await store.read(signal), true, signal);
    const { metadata, spec } = stands();
    assert.deepEqual(metadata.labels, { team: "x" });
    assert.deepEqual(metadata.annotations, { note: "y", "outrigger.dev/leader-address": "a [fd00::1]:80" });
    assert.deepEqual(metadata["ownerReferences"], [{ kind: "Deployment", name: "ticker" }]);
    assert.equal(spec?.["strategy"], "OldestEmulationVersion");
  });

  it("names an address only for the holder that has written it", async () => {
    const { store, stands, put } = await setup();
    await store.write(held("a", { address: "10.0.0.1:80" }), await store.read(signal), true, signal);
    assert.equal((await store.read(signal)).record?.address, "10.0.0.1:80");
    // A client-go candidate takes over: it leaves the annotation as it stands.
    const { annotations } = stands().metadata;
    put({ ...stands().spec, holderIdentity: "go" }, annotations ?? {});
    assert.equal((await store.read(signal)).record?.address, "");
    for (const [holder, annotation] of [
      ["a", "a b 10.0.0.1:80"],
      ["", " 10.0.0.1:80"],
      ["a", "10.0.0.1:80"],
      ["a", "a"],
    ] as const) {
      put({ holderIdentity: holder }, { "outrigger.dev/leader-address": annotation });
      assert.equal((await store.read(signal)).record?.address, "", annotation);
    }
  });

  it("is written only where what was read still stands, also when it was deleted or made anew meanwhile", async () => {
    const { store, server, put, stands } = await setup();
    const first = await store.write(held("a"), await store.read(signal), true, signal);
    assert.ok(first);
    put({ ...stands().spec, holderIdentity: "go" });
    assert.equal(await store.write(held("a"), first, false, signal), null);
    const seen = await store.read(signal);
    server.store.remove(LEASES, "default", "ticker");
    // The API server would create a Lease by PUT, but for the uid.
    assert.equal(await store.write(held("a"), seen, true, signal), null);
    assert.equal((await store.read(signal)).record, null);
    server.store.create(LEASES, "default", { metadata: { name: "ticker" } });
    assert.equal(await store.write(held("a"), seen, true, signal), null);
    assert.equal(await store.write(held("a"), { record: null, version: "0" }, true, signal), null);
  });

  it("gives a higher token after it was deleted, and to the same candidate again", async () => {
    const { store, server } = await setup();
    let highest = 0n;
    for (let round = 0; round < 3; round++) {
      for (let again = 0; again < 2; again++) {
        const written = await store.write(held("a"), await store.read(signal), true, signal);
        assert.ok(written && written.token > highest);
        highest = written.token;
      }
      server.store.remove(LEASES, "default", "ticker");
    }
  });

  it("is never written as it stands: that would be no write, which nobody else could see", async () => {
    const { store, stands } = await setup();
    const first = await store.write(held("a"), await store.read(signal), true, signal);
    assert.ok(first);
    const before = stands();
    // An acquisition that had no answer is written again, over itself.
    const second = await store.write(held("a"), await store.read(signal), true, signal);
    assert.ok(second && second.token > first.token);
    // client-go compares seconds.
    assert.notEqual(stands().spec?.renewTime?.slice(0, 19), before.spec?.renewTime?.slice(0, 19));
    assert.equal(second.record?.acquiredAt, AT);
    const third = await store.write(held("a", { renewedAt: AT + 2_000_000 }), second, false, signal);
    assert.equal(third?.record?.renewedAt, AT + 2_000_000);
  });

  it("is never written as it stood before: client-go, which looks now and then, would take it for never renewed", async () => {
    const { store, stands } = await setup();
    const seen = new Set<string | undefined>();
    for (let time = 0; time < 5; time++) {
      // An acquisition without an answer again and again, then a clock that was set back.
      const record = held("a", { renewedAt: time < 3 ? AT : AT - 3_600_000_000 });
      await store.write(record, await store.read(signal), time < 3, signal);
      seen.add(stands().spec?.renewTime?.slice(0, 19));
    }
    assert.equal(seen.size, 5);
  });

  it("rejects where nobody knows whether it was written, and finds it out by reading", async () => {
    const { store, server } = await setup();
    server.order({ kind: "lost" }, "create");
    await assert.rejects(store.write(held("a"), await store.read(signal), true, signal), {
      code: "kubernetes-unavailable",
    });
    const seen = await store.read(signal);
    assert.equal(seen.record?.holder, "a");
    server.order({ kind: "answer", code: 500 }, "update");
    await assert.rejects(store.write(held("a"), seen, true, signal), { code: "kubernetes-unavailable" });
    server.order({ kind: "hang" }, "update");
    const limit = new AbortController();
    const hung = store.write(held("a"), seen, true, limit.signal);
    limit.abort(new Error("no patience"));
    await assert.rejects(hung, /no patience/);
    await assert.rejects(store.read(AbortSignal.abort(new Error("stopped"))), /stopped/);
  });

  it("is refused where its resourceVersion is no number", async () => {
    const body = JSON.stringify({ metadata: { name: "ticker", resourceVersion: "v1-abc" }, spec: null });
    const other = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const client = clientOf({ url } as TestApiServer);
    closing.push(
      () => other.close(),
      () => other.closeAllConnections(),
      () => client.close(),
    );
    const store = new KubernetesStore({ client, namespace: "default", name: "ticker" });
    await assert.rejects(store.read(signal), {
      code: "bad-resource-version",
      message: /"v1-abc" of Lease ticker is no positive number/,
    });
  });
});

describe("a MicroTime", () => {
  it("has six digits, and is read with fewer and with any zone", () => {
    for (const micros of [0, 1, 999, 1_000_001, AT, AT + 544]) {
      assert.match(formatMicroTime(micros), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      assert.equal(parseMicroTime(formatMicroTime(micros)), micros);
    }
    assert.equal(parseMicroTime("1970-01-01T01:00:01.5+01:00"), 1_500_000);
    assert.equal(parseMicroTime("1970-01-01T00:00:01Z"), 1_000_000);
    for (const none of [null, undefined, "", "soon", "2026-99-99T00:00:00Z"])
      assert.equal(parseMicroTime(none), 0);
  });
});

describe("the rights that are printed", () => {
  const documents = (text: string): Record<string, unknown>[] =>
    text
      .split("---\n")
      .filter((part) => part !== "")
      .map((part) => parseYaml(part) as Record<string, unknown>);
  const of = { election: "ticker", namespace: "default", serviceAccount: "ticker" };
  const rulesOf = (text: string): Rule[] => documents(text)[0]?.["rules"] as Rule[];

  it("are enough to lead with the Lease that is printed beside them, and for nothing else", async () => {
    const text = rightsManifest(of);
    const [role, binding, lease] = documents(text);
    assert.deepEqual(
      [role, binding, lease].map((document) => document?.["kind"]),
      ["Role", "RoleBinding", "Lease"],
    );
    const users = {
      t: { name: "system:serviceaccount:default:ticker", namespace: "default", rules: rulesOf(text) },
    };
    const { server, store, client } = await setup({ users, token: "t" });
    await assert.rejects(store.write(held("a"), { record: null, version: "0" }, true, signal), {
      code: "kubernetes-forbidden",
      message: /create an empty Lease ticker beforehand/,
    });
    server.store.create(LEASES, "default", { metadata: (lease as unknown as Lease).metadata });
    const first = await store.write(held("a"), await store.read(signal), true, signal);
    assert.ok(first && (await store.write(held("a", { renewedAt: AT + 9e6 }), first, false, signal)));
    const other = new KubernetesStore({ client, namespace: "default", name: "other" });
    await assert.rejects(other.read(signal), { code: "kubernetes-forbidden" });
  });

  it("have create, for all names, only when it is asked for", async () => {
    const text = rightsManifest({ ...of, create: true });
    assert.equal(documents(text).length, 2);
    const users = { t: { name: "u", namespace: "default", rules: rulesOf(text) } };
    const { store } = await setup({ users, token: "t" });
    assert.ok(await store.write(held("a"), await store.read(signal), true, signal));
  });

  it("have the leader's EndpointSlice, and names that YAML would take for something else", () => {
    const [role, , lease, slice] = documents(
      rightsManifest({
        election: "1e3",
        namespace: "true",
        serviceAccount: "null",
        slice: { name: "ticker-leader", service: "ticker", addressType: "IPv6" },
      }),
    );
    assert.deepEqual((lease?.["metadata"] as object) ?? {}, { name: "1e3", namespace: "true" });
    assert.equal(slice?.["addressType"], "IPv6");
    assert.deepEqual((role?.["rules"] as Rule[] | undefined)?.[1], {
      apiGroups: ["discovery.k8s.io"],
      resources: ["endpointslices"],
      resourceNames: ["ticker-leader"],
      verbs: ["get", "update"],
    });
    assert.throws(() => rightsManifest({ ...of, election: "a\nb" }), { code: "bad-name" });
  });
});
