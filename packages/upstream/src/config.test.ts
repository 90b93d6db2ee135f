import { OutriggerError } from "@outrigger/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { upstreamConfig, upstreamSchema, upstreamShape, type UpstreamConfigInput } from "./config.ts";

const one = { endpoints: ["127.0.0.1:80"] };

/** The message of the refusal. */
function refusal(input: UpstreamConfigInput): string {
  try {
    upstreamConfig(input);
  } catch (thrown) {
    assert.ok(thrown instanceof OutriggerError && thrown.code === "bad-upstream-config");
    return thrown.message;
  }
  return assert.fail(`accepted ${JSON.stringify(input)}`);
}

test("the one-line grammar's texts mean the same as YAML's types", () => {
  const texts = {
    endpoints: "127.0.0.1:80,[::1]:80*2",
    retries: "3",
    retryBudget: "25%",
    hedge: "true" as const,
    healthStatus: "200,300-310",
    dnsFamily: "4",
    rate: "12.5",
    hedgeQuantile: "0.9",
  };
  const types = {
    endpoints: ["127.0.0.1:80", "[::1]:80*2"],
    retries: 3,
    retryBudget: 0.25,
    hedge: true,
    healthStatus: ["200", "300-310"],
    dnsFamily: 4,
    rate: 12.5,
    hedgeQuantile: 0.9,
  };
  assert.deepEqual(upstreamConfig(texts), upstreamConfig(types));
  assert.equal(upstreamConfig(texts).retryBudget, 0.25);
});

test("every key has a description, which leaves stating the default to the manual", () => {
  for (const [key, schema] of Object.entries(upstreamShape)) {
    const description = schema.description ?? "";
    assert.ok(description.length > 20, `${key} has no description`);
    assert.doesNotMatch(description, /Default \S/, `${key} states a default that can become wrong`);
  }
});

test("a configuration that is written back reads as the same", () => {
  const config = upstreamConfig({ ...one, retries: "7", ejectMax: "33%", health: "http:/ok", healthPort: 9 });
  assert.deepEqual(upstreamConfig(z.encode(upstreamSchema, config)), config);
});

test("the input has a JSON Schema that knows every key", () => {
  const schema = z.toJSONSchema(upstreamSchema, { io: "input", unrepresentable: "any" });
  assert.deepEqual(Object.keys(schema.properties ?? {}).sort(), Object.keys(upstreamShape).sort());
});

test("all problems are told at once", () => {
  const message = refusal({ endpoints: ["a b:1"], retries: "many", health: "ping", dnsFamily: 5 });
  assert.match(message, /^endpoints\.0: .*neither a DNS name/m);
  assert.match(message, /^retries: accepted: a whole number from 0 to 20/m);
  assert.match(message, /^health: accepted: off, tcp, or http:\/PATH/m);
  assert.match(message, /^dnsFamily: accepted: auto, 4, 6, both/m);
});

test("an unknown key is refused by name", () => {
  assert.match(refusal({ ...one, retrys: 3 } as UpstreamConfigInput), /"retrys"/);
});

const values: Record<string, [UpstreamConfigInput, RegExp]> = {
  "a share above the whole": [{ retryBudget: "120%" }, /^retryBudget: accepted: a share from 0% to 100%/m],
  "a share that is no number": [{ ejectMax: "half" }, /^ejectMax: accepted: a share/m],
  "a bare number as duration": [{ ejectTime: "30" }, /^ejectTime: accepted: a duration\b.* with its unit/m],
  "a duration out of range": [{ ejectTime: "2h" }, /^ejectTime: accepted: .*from 100ms to 1h/m],
  "a name server that is a name": [{ dnsServers: "dns.google" }, /^dnsServers\.0: accepted: IP, IP:PORT/m],
  "a status that is none": [{ healthStatus: "ok" }, /^healthStatus\.0: accepted: a status such as 200/m],
  "no status at all": [{ healthStatus: [] }, /^healthStatus: accepted: a list/m],
};
for (const [what, [input, message]] of Object.entries(values)) {
  test(`${what} is refused`, () => assert.match(refusal({ ...one, ...input }), message));
}

const combinations: Record<string, [UpstreamConfigInput, RegExp]> = {
  "no endpoint": [{ endpoints: [] }, /^endpoints: discovery=static needs at least one endpoint/m],
  "an endpoint without port": [
    { endpoints: ["catalog"] },
    /^endpoints: catalog has no port: write HOST:PORT/m,
  ],
  "srv with a port": [
    { discovery: "srv", endpoints: ["_http._tcp.catalog:80"] },
    /^endpoints: discovery=srv takes ports from the SRV records: remove the port of _http\._tcp\.catalog:80/m,
  ],
  "srv of an IP address": [
    { discovery: "srv", endpoints: ["10.0.0.1"] },
    /^endpoints: discovery=srv takes names such as _http\._tcp\.catalog, not 10\.0\.0\.1/m,
  ],
  "file without its path": [
    { discovery: "file", endpoints: [] },
    /^discoveryFile: discovery=file needs discoveryFile/m,
  ],
  "file with endpoints": [
    { discovery: "file", discoveryFile: "/x" },
    /^endpoints: discovery=file takes its endpoints from discoveryFile/m,
  ],
  "a path without file": [{ discoveryFile: "/x" }, /^discoveryFile: .* only read with discovery=file/m],
  "TTL limits that cross": [{ dnsMinTtl: "10m" }, /^dnsMinTtl: dnsMinTtl 10m is above dnsMaxTtl 5m/m],
  "DNS pauses that cross": [{ dnsRetryMin: "1m" }, /^dnsRetryMin: dnsRetryMin 1m is above dnsRetryMax 30s/m],
  "backoff that crosses": [{ backoffBase: "1s" }, /^backoffBase: backoffBase 1s is above backoffMax 250ms/m],
  "ejections that cross": [{ ejectTime: "10m" }, /^ejectTime: ejectTime 10m is above ejectTimeMax 5m/m],
  "a check longer than its interval": [
    { health: "tcp", healthTimeout: "6s" },
    /^healthTimeout: healthTimeout 6s is above healthInterval 5s/m,
  ],
  "a health port without health": [{ healthPort: 81 }, /^healthPort: .* health is off/m],
  "an empty range of statuses": [{ healthStatus: "300-200" }, /^healthStatus: the range 300-200 is empty/m],
  "burst without rate": [{ burst: 5 }, /^burst: burst without rate has no meaning/m],
  "hedging that never hedges": [{ hedge: true, hedgeMax: "0%" }, /^hedgeMax: .* would never hedge/m],
};
for (const [what, [input, message]] of Object.entries(combinations)) {
  test(`${what} is refused with its own sentence`, () =>
    assert.match(refusal({ ...one, ...input }), message));
}
