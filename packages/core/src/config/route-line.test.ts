import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../errors.ts";
import {
  formatRouteLine,
  parseRouteLine,
  RouteLineError,
  type RouteLine,
  type RouteValue,
  looksSecret,
} from "./route-line.ts";

test("a route in one line reads as the same object that YAML would give", () => {
  assert.deepEqual(
    parseRouteLine("8001=http://a:80,b:81*3?retries=2&tls.caFile=/x/ca.pem&tls.serverName=cat"),
    {
      listen: "8001",
      protocol: "http",
      endpoints: ["a:80", "b:81*3"],
      retries: "2",
      tls: { caFile: "/x/ca.pem", serverName: "cat" },
    },
  );
  assert.deepEqual(parseRouteLine("[::1]:6379=redis://[fe80::1]:6379*0,r1"), {
    listen: "[::1]:6379",
    protocol: "redis",
    endpoints: ["[fe80::1]:6379*0", "r1"],
  });
  assert.deepEqual(parseRouteLine("0.0.0.0:0=http://?discovery=file&discoveryFile=/etc/a%26b%20c"), {
    listen: "0.0.0.0:0",
    protocol: "http",
    endpoints: [],
    discovery: "file",
    discoveryFile: "/etc/a&b c",
  });
  assert.deepEqual(parseRouteLine("80=http://_http._tcp.catalog.svc.?match=a=b").endpoints, [
    "_http._tcp.catalog.svc.",
  ]);
});

for (const [text, problem, caret] of [
  ["", 'expected "=" after the port to listen on, as in 8001=http://catalog:8080', 1],
  ["8001", 'expected "=" after the port to listen on, as in 8001=http://catalog:8080', 5],
  ["99999=http://a:1", 'expected PORT, HOST:PORT or [IPV6]:PORT to listen on, found "99999"', 1],
  ["::1:80=http://a:1", 'expected PORT, HOST:PORT or [IPV6]:PORT to listen on, found "::1:80"', 1],
  ["8001=a:80", 'expected PROTOCOL:// after the "=", as in 8001=http://catalog:8080', 6],
  ["8001=HTTP://a:80", 'expected a protocol such as http, found "HTTP"', 6],
  ["8001=http://", 'expected a target HOST:PORT, found ""', 13],
  ["8001=http://a:80,", 'expected a target HOST:PORT, found ""', 18],
  [
    "8001=http://::1:80",
    'expected a target HOST:PORT, found "::1:80" (IPv6 stands in brackets: [::1]:8080)',
    13,
  ],
  ["8001=http://a:80/v1", 'a target is HOST[:PORT] without a path: remove the "/" and what follows', 17],
  ["8001=http://a:70000", "port 70000 is out of range: 1 to 65535", 15],
  [
    "8001=http://a:80*x",
    "expected a weight after the *: a whole number from 0 to 999999, 0 for no traffic",
    18,
  ],
  [
    "8001=http://a:80*1*2",
    "expected a weight after the *: a whole number from 0 to 999999, 0 for no traffic",
    18,
  ],
  ["8001=http://a:80?", 'expected an option name such as retries or tls.caFile, found ""', 18],
  ["8001=http://a:80?retries", "option retries has no value: write retries=VALUE", 25],
  ["8001=http://a:80?a=1&a=2", "option a is given twice", 22],
  ["8001=http://a:80?a=1&a.b=2", "option a.b contradicts a, which already has a value", 22],
  ["8001=http://a:80?a.b=1&a=2", "option a contradicts a.*, given before", 24],
  ["8001=http://a:80?listen=1", "listen is given by the route itself, not as an option", 18],
  [
    "8001=http://a:80?__proto__.x=1",
    'expected an option name such as retries or tls.caFile, found "__proto__.x"',
    18,
  ],
  ["8001=http://a:80?a=%zz", '"%zz" is not percent-encoded UTF-8: write %25 for a % sign', 20],
  [
    "8001=http://a:80 ,b:80",
    "a route is printable ASCII without blanks: write others percent-encoded, %20 for a blank",
    17,
  ],
] as const) {
  test(`${JSON.stringify(text)} is refused at column ${caret}: ${problem}`, () => {
    assert.throws(
      () => parseRouteLine(text),
      (thrown: unknown) => {
        assert.ok(thrown instanceof RouteLineError);
        assert.equal(thrown.code, "bad-route");
        assert.equal(thrown.message, `${problem}\n  ${text}\n  ${" ".repeat(caret - 1)}^`);
        assert.equal(thrown.column, caret);
        return true;
      },
    );
  });
}

test("a password before the host is refused without being shown, saying what to do", () => {
  assert.throws(
    () => parseRouteLine("6379=redis://me:hunter2@r0:6379"),
    (thrown: unknown) => {
      assert.ok(thrown instanceof RouteLineError);
      assert.equal(thrown.code, "route-secret");
      assert.equal(
        thrown.message,
        "a user or password in a route is refused, because pod specs are read by many: leave it out (where a pattern takes credentials, --help names a key for their file)\n" +
          "  6379=redis://**********@r0:6379\n               ^",
      );
      return true;
    },
  );
});

test("an option that would hold a secret is refused without being shown, whatever else is wrong", () => {
  for (const key of [
    "password",
    "auth.password",
    "token",
    "apiKey",
    "clientSecret",
    "passwd",
    "authTokens",
  ]) {
    assert.throws(
      () => parseRouteLine(`6379=redis://r0:6379?${key}=hunter2`),
      (thrown: unknown) => {
        assert.ok(thrown instanceof RouteLineError, key);
        assert.equal(thrown.code, "route-secret");
        assert.match(
          thrown.message,
          /leave it out \(where a pattern takes credentials, --help names a key for their file\)/,
        );
        assert.doesNotMatch(thrown.message, /hunter2/);
        return true;
      },
    );
  }
  assert.throws(
    () => parseRouteLine("6379=redis://r0:99999?password=hunter2"),
    (thrown: unknown) => thrown instanceof RouteLineError && !thrown.message.includes("hunter2"),
  );
  assert.equal(parseRouteLine("6379=redis://r0?passwordFile=/run/p")["passwordFile"], "/run/p");
});

test("a route of up to 8192 characters is read, a longer one is sent to the YAML file", () => {
  const routeOf = (length: number): string => {
    const start = "1=p://a?x=";
    return start + "y".repeat(length - start.length);
  };
  assert.equal(parseRouteLine(routeOf(8192))["x"], "y".repeat(8182));
  assert.throws(
    () => parseRouteLine(routeOf(8193)),
    (thrown: unknown) =>
      thrown instanceof RouteLineError &&
      thrown.problem === "a route of 8193 characters is too long: put it into the YAML file",
  );
});

test("control bytes of a route do not reach the terminal, and the caret stays in its column", () => {
  assert.throws(
    () => parseRouteLine("8001=http://a\u001b[2J\n\u202e\u2028:80"),
    (thrown: unknown) => {
      assert.ok(thrown instanceof RouteLineError);
      const [, line, caret, ...more] = thrown.message.split("\n");
      assert.deepEqual([line, caret, more], ["  8001=http://a?[2J???:80", "               ^", []]);
      return true;
    },
  );
});

test("a long route is shown around the column of its error", () => {
  const text = `8001=http://${Array.from({ length: 40 }, (_, n) => `host-${n}:80`).join(",")},bad/path`;
  assert.throws(
    () => parseRouteLine(text),
    (thrown: unknown) => {
      assert.ok(thrown instanceof RouteLineError);
      const [, line = "", caret = ""] = thrown.message.split("\n");
      assert.ok(line.length < 125);
      assert.equal(line[caret.indexOf("^")], "/");
      return true;
    },
  );
});

const name = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,8}$/).filter((key) => !looksSecret(key));
const host = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?$/),
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
);
const target = fc
  .tuple(host, fc.option(fc.integer({ min: 1, max: 65535 })), fc.option(fc.integer({ min: 0, max: 999999 })))
  .map(
    ([at, port, weight]) => `${at}${port === null ? "" : `:${port}`}${weight === null ? "" : `*${weight}`}`,
  );
const options: fc.Arbitrary<Record<string, RouteValue>> = fc.dictionary(
  name.filter((key) => !["listen", "protocol", "endpoints"].includes(key)),
  fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.dictionary(name, fc.string(), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  ),
  { maxKeys: 5, noNullPrototype: true },
);
const route = fc
  .tuple(
    fc.option(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6().map((ip) => `[${ip}]`),
      ),
    ),
    fc.integer({ min: 0, max: 65535 }),
    name,
    fc.array(target, { minLength: 1, maxLength: 4 }),
    options,
  )
  .map(([bind, port, protocol, endpoints, rest]): RouteLine => ({
    listen: bind === null ? String(port) : `${bind}:${port}`,
    protocol: protocol.toLowerCase(),
    endpoints,
    ...rest,
  }));

test("any route that is written reads back as itself", () => {
  fc.assert(
    fc.property(route, (written) => {
      assert.deepEqual(parseRouteLine(formatRouteLine(written)), { ...written });
    }),
    { numRuns: 500 },
  );
});

test("half of a surrogate pair is written as the replacement character, never a failure", () => {
  const written: RouteLine = {
    listen: "1",
    protocol: "p",
    endpoints: ["a"],
    x: "a\ud800b\udc00",
    y: { z: "\u{1f6f6}" },
  };
  assert.deepEqual(parseRouteLine(formatRouteLine(written)), { ...written, x: "a\ufffdb\ufffd" });
});

test("random text is read or refused with an OutriggerError, nothing else", () => {
  const near = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "8001",
          "=",
          "http",
          "://",
          "a:80",
          ",",
          "*",
          "?",
          "&",
          "[",
          "]",
          "::1",
          "@",
          "%",
          ".",
          "/",
          "constructor",
          "__proto__",
        ),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 14 },
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (text) => {
      try {
        const parsed = parseRouteLine(text);
        assert.deepEqual(parseRouteLine(formatRouteLine(parsed)), parsed);
      } catch (thrown) {
        if (!(thrown instanceof OutriggerError)) throw thrown;
      }
    }),
    { numRuns: 1000 },
  );
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

test("no part of a password is shown, wherever the line goes wrong", () => {
  for (const line of [
    "8001=http://user:hun?ter2@host:80",
    "8001=user:hunter2@host:80",
    "user:hunter2@host",
    "8001=http://u:hun&ter2=1@h:1?x",
  ]) {
    assert.throws(
      () => parseRouteLine(line),
      (thrown: Error) => {
        assert.doesNotMatch(thrown.message, /hun|ter2/, thrown.message);
        return true;
      },
    );
  }
});
