import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { a, aaaa, srv, startDnsServer, type DnsServer, type Reply } from "../testing/dns-server.ts";
import { DnsFailure } from "./dns-client.ts";
import { SearchingResolver } from "./name-resolver.ts";

interface Fixture {
  readonly resolver: SearchingResolver;
  readonly server: DnsServer;
  readonly dnsConfig: string;
}

/** Our resolver against our server, by a resolv.conf with a search list and ndots 2. */
async function fixture(context: TestContext, replies: Record<string, Reply>, options = ""): Promise<Fixture> {
  const server = await startDnsServer(replies);
  const folder = await mkdtemp(join(tmpdir(), "outrigger-dns-"));
  const dnsConfig = join(folder, "resolv.conf");
  await writeFile(
    dnsConfig,
    `nameserver ${server.address}\nsearch shop.test svc.test\noptions ndots:2 timeout:1 attempts:1 ${options}\n`,
  );
  const resolver = new SearchingResolver({ dnsConfig, dnsServers: [] });
  context.after(async () => {
    resolver.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });
  return { resolver, server, dnsConfig };
}

async function failure(question: Promise<unknown>): Promise<DnsFailure> {
  try {
    await question;
  } catch (thrown) {
    assert.ok(thrown instanceof DnsFailure, String(thrown));
    return thrown;
  }
  return assert.fail("there was an answer");
}

test("a short name is found through the search list, with addresses sorted and the smallest TTL", async (t) => {
  const name = "catalog.shop.test";
  const { resolver } = await fixture(t, {
    [`${name} A`]: { answers: [a(name, "10.0.0.9", 30), a(name, "10.0.0.10", 7)] },
    [`${name} AAAA`]: { answers: [aaaa(name, "fd00::1", 90)] },
  });
  assert.deepEqual(await resolver.addresses("catalog", "auto"), {
    v4: ["10.0.0.10", "10.0.0.9"],
    v6: ["fd00::1"],
    ttl: 7000,
    error: null,
  });
});

test("NXDOMAIN on the first suffix goes on to the next, and to the name itself last", async (t) => {
  const { resolver, server } = await fixture(t, { "catalog A": { answers: [a("catalog", "10.0.0.1")] } });
  assert.deepEqual((await resolver.addresses("catalog", "4")).v4, ["10.0.0.1"]);
  assert.deepEqual(server.questions, ["catalog.shop.test A", "catalog.svc.test A", "catalog A"]);
});

test("a name that exists without records goes on as well, and if nothing is found that is said", async (t) => {
  const { resolver } = await fixture(t, { "catalog.shop.test A": { answers: [] } });
  const error = await failure(resolver.addresses("catalog", "4"));
  assert.equal(error.kind, "none");
  assert.match(
    error.message,
    /catalog has no such records to DNS, tried as catalog\.shop\.test, catalog\.svc\.test, catalog$/,
  );
});

test("an unknown name says how it was tried", async (t) => {
  const { resolver } = await fixture(t, {});
  const error = await failure(resolver.addresses("catalog", "auto"));
  assert.equal(error.kind, "unknown");
  assert.match(
    error.message,
    /catalog is not known to DNS, tried as catalog\.shop\.test, catalog\.svc\.test, catalog$/,
  );
});

test("an absolute name is asked as it is and never with a suffix", async (t) => {
  const { resolver, server } = await fixture(t, {});
  await failure(resolver.addresses("catalog.", "4"));
  assert.deepEqual(server.questions, ["catalog A"]);
});

test("SERVFAIL ends the search: no stranger's name is taken instead", async (t) => {
  const { resolver, server } = await fixture(t, {
    "catalog.shop.test A": { rcode: "SERVFAIL" },
    "catalog.svc.test A": { answers: [a("catalog.svc.test", "6.6.6.6")] },
  });
  const error = await failure(resolver.addresses("catalog", "4"));
  assert.equal(error.kind, "failed");
  assert.match(error.message, /catalog\.shop\.test A: server failure \(SERVFAIL\) from 127\.0\.0\.1:\d+/);
  assert.ok(!server.questions.includes("catalog.svc.test A"));
});

test("silence ends the search after the timeout, and says so", async (t) => {
  const { resolver } = await fixture(t, { "catalog.shop.test A": "silence" });
  const error = await failure(resolver.addresses("catalog", "4"));
  assert.equal(error.kind, "failed");
  assert.match(error.message, /catalog\.shop\.test A: no answer from/);
});

test("garbage is no answer", async (t) => {
  const { resolver } = await fixture(t, { "catalog.shop.test A": "garbage" });
  assert.equal((await failure(resolver.addresses("catalog", "4"))).kind, "failed");
});

test("a truncated answer is asked for again over TCP", async (t) => {
  const name = "catalog.shop.test";
  const many = Array.from({ length: 200 }, (_, i) => a(name, `10.0.1.${i}`));
  const { resolver, server } = await fixture(t, { [`${name} A`]: { truncated: many } });
  assert.equal((await resolver.addresses("catalog", "4")).v4?.length, 200);
  assert.equal(server.questions.length, 2);
});

test("one family's silence does not lose the other's answer, and is said", async (t) => {
  const name = "catalog.shop.test";
  const { resolver } = await fixture(t, {
    [`${name} A`]: { answers: [a(name, "10.0.0.1", 60)] },
    [`${name} AAAA`]: { rcode: "SERVFAIL" },
  });
  const answer = await resolver.addresses("catalog", "auto");
  assert.deepEqual([answer.v4, answer.v6], [["10.0.0.1"], null]);
  assert.match(answer.error ?? "", /AAAA: server failure/);
});

test("a name without IPv6 addresses is a whole answer", async (t) => {
  const name = "catalog.shop.test";
  const { resolver } = await fixture(t, {
    [`${name} A`]: { answers: [a(name, "10.0.0.1")] },
    [`${name} AAAA`]: { answers: [] },
  });
  assert.deepEqual(await resolver.addresses("catalog", "auto"), {
    v4: ["10.0.0.1"],
    v6: [],
    ttl: 60_000,
    error: null,
  });
});

test("an alias is followed", async (t) => {
  const name = "catalog.shop.test";
  const { resolver } = await fixture(t, {
    [`${name} A`]: {
      answers: [{ type: "CNAME", name, data: "real.test", ttl: 3 }, a("real.test", "10.0.0.1", 60)],
    },
  });
  const answer = await resolver.addresses("catalog", "4");
  assert.deepEqual(answer.v4, ["10.0.0.1"]);
  assert.equal(answer.ttl, 3000);
});

test("no answer is kept from before: TTL 0 and a long one are both asked again when we ask again", async (t) => {
  const name = "catalog.shop.test";
  const { resolver, server } = await fixture(t, { [`${name} A`]: { answers: [a(name, "10.0.0.1", 0)] } });
  assert.equal((await resolver.addresses("catalog", "4")).ttl, 0);
  server.replies.set(`${name} A`, { answers: [a(name, "10.0.0.2", 3600)] });
  assert.deepEqual((await resolver.addresses("catalog", "4")).v4, ["10.0.0.2"]);
  server.replies.set(`${name} A`, { answers: [a(name, "10.0.0.3", 3600)] });
  assert.deepEqual((await resolver.addresses("catalog", "4")).v4, ["10.0.0.3"]);
});

test("the next name server is asked when the first is silent", async (t) => {
  const first = await startDnsServer({ "catalog A": "silence" });
  const second = await startDnsServer({ "catalog A": { answers: [a("catalog", "10.0.0.1")] } });
  const resolver = new SearchingResolver({
    dnsConfig: "/nonexistent",
    dnsServers: [first.address, second.address],
  });
  t.after(() => {
    resolver.close();
    return Promise.all([first.stop(), second.stop()]);
  });
  assert.deepEqual((await resolver.addresses("catalog.", "4")).v4, ["10.0.0.1"]);
  assert.ok(first.questions.length > 0);
});

test("a resolv.conf that changes is used from the next question on", async (t) => {
  const { resolver, dnsConfig } = await fixture(t, {});
  const other = await startDnsServer({ "catalog A": { answers: [a("catalog", "10.0.0.5")] } });
  t.after(() => other.stop());
  await failure(resolver.addresses("catalog", "4"));
  await writeFile(dnsConfig, `nameserver ${other.address}\n`);
  assert.deepEqual((await resolver.addresses("catalog", "4")).v4, ["10.0.0.5"]);
});

test("/etc/hosts has no part in it: the name of this very machine is asked of DNS", async (t) => {
  const { resolver, server } = await fixture(t, {});
  await failure(resolver.addresses("localhost", "4"));
  assert.ok(server.questions.includes("localhost A"));
});

test("services are found with priority, weight and port", async (t) => {
  const name = "_http._tcp.catalog.shop.test";
  const { resolver } = await fixture(t, {
    [`${name} SRV`]: { answers: [srv(name, "one.test", 8080, 1, 5), srv(name, "two.test", 8081, 2, 0)] },
  });
  const records = [...(await resolver.services("_http._tcp.catalog.shop.test."))].sort(
    (x, y) => x.port - y.port,
  );
  assert.deepEqual(records, [
    { target: "one.test", port: 8080, priority: 1, weight: 5 },
    { target: "two.test", port: 8081, priority: 2, weight: 0 },
  ]);
});

test("closing ends a question that is under way", async (t) => {
  const { resolver, server } = await fixture(t, { "catalog.shop.test A": "silence" });
  const question = failure(resolver.addresses("catalog", "4"));
  while (server.questions.length === 0) await new Promise((resolve) => setImmediate(resolve));
  resolver.close();
  assert.match((await question).message, /given up, because we stop/);
  assert.match((await failure(resolver.addresses("catalog", "4"))).message, /given up, because we stop/);
});
