/** What the test API server shares with the real one, where its users could rest on the difference. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { TestApiServer, type ApiServerOptions } from "./index.ts";

const servers: TestApiServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

interface Answer {
  readonly code: number;
  readonly body: {
    message?: string;
    reason?: string;
    metadata: Record<string, string>;
    [field: string]: unknown;
  };
}

async function setup(options: ApiServerOptions = {}) {
  const server = await TestApiServer.start(options);
  servers.push(server);
  const ask = (plural: string) => {
    const group = plural === "leases" ? "coordination.k8s.io" : "discovery.k8s.io";
    return async (method: string, name: string, object?: object, token = "t"): Promise<Answer> => {
      const answer = await fetch(
        `${server.url}/apis/${group}/v1/namespaces/ns/${plural}${name && `/${name}`}`,
        {
          method,
          headers: { authorization: `Bearer ${token}` },
          ...(object === undefined ? {} : { body: JSON.stringify(object) }),
        },
      );
      return { code: answer.status, body: (await answer.json()) as Answer["body"] };
    };
  };
  return { server, leases: ask("leases"), slices: ask("endpointslices") };
}
const said = ({ code, body }: Answer): string => `${code} ${body.reason}: ${body.message}`;

describe("the test API server", () => {
  it("creates a Lease that is PUT where there is none, but not one that was another object before", async () => {
    const { server, leases } = await setup();
    const created = await leases("PUT", "a", { metadata: { name: "a", resourceVersion: "7" } });
    assert.equal(created.code, 201);
    server.store.remove(
      { group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease" },
      "ns",
      "a",
    );
    const { metadata } = created.body;
    assert.match(
      said(await leases("PUT", "a", { metadata })),
      /^409 Conflict: .*Precondition failed: UID in precondition/,
    );
  });

  it("asks a Lease's PUT for a resourceVersion, and lets that of an EndpointSlice overwrite without one", async () => {
    const { leases, slices } = await setup();
    await leases("POST", "", { metadata: { name: "a" } });
    assert.match(
      said(await leases("PUT", "a", { metadata: { name: "a" } })),
      /^422 Invalid: .*metadata\.resourceVersion: Invalid value: 0x0: must be specified for an update/,
    );
    const slice = { metadata: { name: "s" }, addressType: "IPv4" };
    assert.equal((await slices("PUT", "s", slice)).code, 404);
    await slices("POST", "", slice);
    assert.equal((await slices("PUT", "s", { ...slice, ports: [] })).code, 200);
  });

  it("takes an update that changes nothing for none: the resourceVersion stays, and no watch is told", async () => {
    const { server, leases } = await setup();
    const { body } = await leases("POST", "", { metadata: { name: "a" }, spec: { holderIdentity: "x" } });
    const { revision } = server.store;
    const same = await leases("PUT", "a", body);
    assert.equal(same.body.metadata["resourceVersion"], body.metadata["resourceVersion"]);
    assert.equal(server.store.revision, revision);
  });

  it("counts one revision for all objects, deletions too", async () => {
    const { server, leases, slices } = await setup();
    const one = await leases("POST", "", { metadata: { name: "a" } });
    const two = await slices("POST", "", { metadata: { name: "a" }, addressType: "IPv4" });
    assert.equal(
      Number(two.body.metadata["resourceVersion"]),
      Number(one.body.metadata["resourceVersion"]) + 1,
    );
    server.store.remove(
      { group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease" },
      "ns",
      "a",
    );
    const three = await leases("POST", "", { metadata: { name: "a" } });
    assert.equal(
      Number(three.body.metadata["resourceVersion"]),
      Number(two.body.metadata["resourceVersion"]) + 2,
    );
  });

  it("limits every verb but create to resourceNames, and a list to the name that it selects", async () => {
    const rule = { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["a"] };
    const verbs = ["get", "list", "create", "update"];
    const { server, leases } = await setup({
      users: { t: { name: "u", namespace: "ns", rules: [{ ...rule, verbs }] }, admin: { name: "root" } },
    });
    assert.equal((await leases("POST", "", { metadata: { name: "a" } })).code, 403);
    assert.equal((await leases("POST", "", { metadata: { name: "a" } }, "admin")).code, 201);
    assert.equal((await leases("GET", "a")).code, 200);
    assert.equal(
      said(await leases("GET", "b")),
      '403 Forbidden: leases.coordination.k8s.io "b" is forbidden: User "u" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "ns"',
    );
    const list = `${server.url}/apis/coordination.k8s.io/v1/namespaces/ns/leases`;
    const headers = { authorization: "Bearer t" };
    assert.equal((await fetch(list, { headers })).status, 403);
    assert.equal((await fetch(`${list}?fieldSelector=metadata.name%3Da`, { headers })).status, 200);
    assert.equal(said(await leases("GET", "a", undefined, "nobody")), "401 Unauthorized: Unauthorized");
  });

  it("validates as the real one", async () => {
    const { leases, slices } = await setup();
    const spec = async (fields: object): Promise<string> =>
      said(await leases("POST", "", { metadata: { name: "a" }, spec: fields }));
    assert.match(await spec({ leaseDurationSeconds: 0 }), /^422 .*must be greater than 0$/);
    assert.match(await spec({ leaseTransitions: -1 }), /^422 .*greater than or equal to 0$/);
    assert.match(
      await spec({ leaseDurationSeconds: "15" }),
      /^400 BadRequest: Lease in version "v1" cannot be handled/,
    );
    assert.match(await spec({ renewTime: "2026-01-01T00:00:00Z" }), /^400 .*parsing time/);
    assert.match(await spec({ renewTime: "2026-01-01T00:00:00.123Z" }), /^400 .*parsing time/);
    const slice = async (fields: object): Promise<string> =>
      said(await slices("POST", "", { metadata: { name: "a" }, ...fields }));
    assert.match(await slice({}), /^422 .*addressType: Required value$/);
    const at = (address: string) => ({ addressType: "IPv4", endpoints: [{ addresses: [address] }] });
    assert.match(await slice(at("127.0.0.1")), /may not be in the loopback range/);
    assert.match(await slice(at("::1")), /must be a valid IPv4 address/);
    assert.match(await slice({ addressType: "IPv4", endpoints: [{ addresses: [] }] }), /at least 1 address/);
    assert.match(await slice({ addressType: "IPv4", ports: [{}, {}] }), /ports\[1\]\.name: Duplicate value/);
    assert.equal((await slices("POST", "", { metadata: { name: "a" }, ...at("10.0.0.1") })).code, 201);
    const moved = { metadata: { name: "a" }, addressType: "IPv6" };
    assert.match(said(await slices("PUT", "a", moved)), /addressType: .*field is immutable/);
  });
});
