import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultResolvConf, isServer, parseResolvConf, searchOrder } from "./resolv-conf.ts";

test("a pod's file is read as the kubelet writes it", () => {
  const text =
    "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";
  assert.deepEqual(parseResolvConf(text), {
    servers: ["10.96.0.10"],
    search: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    ndots: 5,
    timeout: 5000,
    attempts: 2,
  });
});

test("comments, unknown lines, unknown options, CRLF and odd servers are passed over", () => {
  const text = [
    "# nameserver 1.1.1.1",
    "; nameserver 1.1.1.2",
    "nameserver dns.google",
    "nameserver 10.0.0.1 # the first",
    "nameserver fe80::1%eth0",
    "nameserver [::1]:5353",
    "sortlist 130.155.160.0",
    "options rotate timeout:1 ndots:x attempts:3 edns0 use-vc",
    "nameserver",
    "options",
  ].join("\r\n");
  assert.deepEqual(parseResolvConf(text), {
    servers: ["10.0.0.1", "fe80::1%eth0", "[::1]:5353"],
    search: [],
    ndots: 1,
    timeout: 1000,
    attempts: 3,
  });
});

test("the last of search and domain counts, and a dot at a suffix's end goes", () => {
  assert.deepEqual(parseResolvConf("search a b\nsearch c. d").search, ["c", "d"]);
  assert.deepEqual(parseResolvConf("search a b\ndomain c d").search, ["c"]);
  assert.deepEqual(parseResolvConf("search a\nsearch .").search, []);
});

test("options out of range are brought into range", () => {
  const conf = parseResolvConf("options ndots:99 timeout:0 attempts:900");
  assert.deepEqual([conf.ndots, conf.timeout, conf.attempts], [15, 1000, 5]);
});

test("an empty file asks this machine, and no text makes it throw", () => {
  assert.deepEqual(parseResolvConf(""), defaultResolvConf);
  const lines = fc.array(
    fc.oneof(fc.string(), fc.stringMatching(/^(options|search|nameserver)( [a-z0-9:.]+){0,3}$/)),
  );
  fc.assert(
    fc.property(lines, (list) => {
      const conf = parseResolvConf(list.join("\n"));
      assert.ok(conf.servers.length > 0 && conf.ndots >= 0 && conf.ndots <= 15 && conf.timeout >= 1000);
      assert.ok(conf.servers.every(isServer));
    }),
  );
});

const conf = { search: ["a.b", "c"], ndots: 2 };
const orders: Record<string, readonly string[]> = {
  catalog: ["catalog.a.b", "catalog.c", "catalog"],
  "catalog.shop": ["catalog.shop.a.b", "catalog.shop.c", "catalog.shop"],
  "catalog.shop.svc": ["catalog.shop.svc", "catalog.shop.svc.a.b", "catalog.shop.svc.c"],
  "catalog.": ["catalog"],
  "catalog.shop.": ["catalog.shop"],
};
for (const [name, order] of Object.entries(orders)) {
  test(`with ndots 2, ${name} is tried as ${order.join(", ")}`, () =>
    assert.deepEqual(searchOrder(name, conf), order));
}
