/** Bad configuration, read as its author reads it: each message names the place and the remedy. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { parseAmbassadorConfig, type AmbassadorInput } from "./config.ts";

const messageOf = (input: AmbassadorInput): string => {
  try {
    parseAmbassadorConfig(input);
  } catch (error) {
    assert.ok(error instanceof OutriggerError, String(error));
    return error.message;
  }
  return "accepted";
};

describe("a route is refused that", () => {
  const ROWS: Readonly<Record<string, readonly [string, RegExp]>> = {
    "has an unknown option": ["8001=http://a:1?retris=2", /retris/],
    "speaks an unknown protocol": ["8001=ftp://a:1", /http.*https/s],
    "has a port above 65535": ["70000=http://a:1", /port/i],
    "has an endpoint without a port": ["8001=http://a", /a has no port: write HOST:PORT/],
    "has a bare number as a duration": ["8001=http://a:1?timeout=5", /a duration .*250ms/],
    "has retries that are no number": ["8001=http://a:1?retries=some", /a whole number from 0 to 20/],
    "has a retry status that is none": ["8001=http://a:1?retryStatuses=200", /statuses from 400 to 599/],
    "has a certificate without its key": [
      "8001=https://a:1?tls.certFile=/c",
      /tls.certFile and tls.keyFile go together/,
    ],
    "has tls without https": [
      "8001=http://a:1?tls.caFile=/c",
      /tls is only for protocol https: write https:\/\//,
    ],
    "has a secret in its text": ["8001=http://user:pass@a:1", /secret|password|user/i],
    "has an option twice": ["8001=http://a:1?retries=1&retries=2", /retries/],
    "has a panic threshold above 1": ["8001=http://a:1?panicThreshold=2", /share from 0% to 100%/],
    "has an impossible backoff": [
      "8001=http://a:1?backoffBase=2s&backoffMax=1s",
      /backoffBase 2s is above backoffMax 1s/,
    ],
    "has a role that is none": ["8001=http://a:1?role=sideways", /egress.*ingress/],
    "has a host with a line break": ["8001=http://a:1?host=a%0d%0ab", /host/],
    "has a name with a slash": ["8001=http://a:1?name=a/b", /letters, digits/],
  };
  for (const [what, [route, message]] of Object.entries(ROWS)) {
    it(what, () => assert.match(messageOf({ routes: [route] }), message));
  }
});

it("two routes cannot share an address or a name", () => {
  assert.match(
    messageOf({ routes: ["8001=http://a:1", "8001=http://b:1"] }),
    /8001 is taken by routes\[0\]: each route needs a port of its own\n *→ at routes\[1\]\.listen/,
  );
  assert.match(
    messageOf({ routes: ["8001=http://a:1?name=x", "8002=http://b:1?name=x"] }),
    /"x" is the name of routes\[0\]/,
  );
});

it("no route at all is an error with an example", () => {
  assert.match(messageOf({ routes: [] }), /at least one, for example --route 8001=/);
});

it("names are found by DNS, addresses and localhost are taken as they are", () => {
  const discovery = (route: string) => parseAmbassadorConfig({ routes: [route] }).routes[0]?.discovery;
  assert.equal(discovery("8001=http://catalog:8080"), "dns");
  assert.equal(discovery("8001=http://10.0.0.1:8080,[fe80::1]:8080,localhost:8080"), "static");
  assert.equal(discovery("8001=http://catalog:8080?discovery=static"), "static");
});

it("a route as an object and as a line are the same", () => {
  const [line, object] = [
    parseAmbassadorConfig({
      routes: ["8001=https://a:1*3?retries=1&timeout=2s&tls.caFile=/c&retryStatuses=503"],
    }),
    parseAmbassadorConfig({
      routes: [
        {
          listen: 8001,
          protocol: "https",
          endpoints: ["a:1*3"],
          retries: 1,
          timeout: "2s",
          tls: { caFile: "/c" },
          retryStatuses: ["503"],
        },
      ],
    }),
  ];
  assert.deepEqual(line, object);
});
