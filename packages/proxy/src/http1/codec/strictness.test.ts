/** The strict parser, row by row: what two parsers could read in two ways is refused, with its own reason. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS, readAll } from "../testing/read-all.ts";
import { VIOLATIONS, type Violation } from "./violation.ts";

const read = (text: string, side: "request" | "response" = "request") =>
  readAll([Buffer.from(text, "latin1")], side);
/** A GET with one more field line. */
const get = (line: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`;
const post = (lines: string, body = ""): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked", body);
const ok = (line: string): string => `HTTP/1.1 200 OK\r\n${line}\r\n\r\n`;

const REFUSED_REQUESTS: Readonly<Record<string, readonly [string, Violation]>> = {
  "a method with a byte that no token has": ["G{T / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-method"],
  "a method of 33 bytes": [`${"A".repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, "bad-method"],
  "no method": [" / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-method"],
  "a request of HTTP/0.9": ["GET /\r\n\r\n", "bad-start-line"],
  "no target": ["GET  HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"],
  "two spaces before the version": ["GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "bad-version"],
  "a tab in the target": ["GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"],
  "a NUL in the target": ["GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"],
  "a DEL in the target": ["GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"],
  "a target that is a bare word": ["GET index.html HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target-form"],
  "* with GET": ["GET * HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target-form"],
  CONNECT: ["CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "bad-target-form"],
  "CONNECT to a path": ["CONNECT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "bad-target-form"],
  "CONNECT to an absolute URL": ["CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target-form"],
  "an absolute target with user information": [
    "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-target-form",
  ],
  "an absolute target of another scheme": ["GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target-form"],
  "an absolute target that names another host": [
    "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "conflicting-host",
  ],
  "an absolute target that names another port": [
    "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "conflicting-host",
  ],
  "HTTP/2.0": ["GET / HTTP/2.0\r\nHost: a\r\n\r\n", "bad-version"],
  "HTTP/1.2": ["GET / HTTP/1.2\r\nHost: a\r\n\r\n", "bad-version"],
  "http/1.1 in lower case": ["GET / http/1.1\r\nHost: a\r\n\r\n", "bad-version"],
  "white space after the version": ["GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "bad-start-line"],
  "a request line that ends with LF": ["GET / HTTP/1.1\nHost: a\r\n\r\n", "bare-lf"],
  "a request line that ends with CR": ["GET / HTTP/1.1\rHost: a\r\n\r\n", "bare-cr"],
  "a field line that ends with LF": ["GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "bare-lf"],
  "a field line that ends with CR": ["GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "bare-cr"],
  "an empty line of LF alone": ["GET / HTTP/1.1\r\nHost: a\r\n\n", "bare-lf"],
  "an empty line of CR alone": ["GET / HTTP/1.1\r\nHost: a\r\n\rX", "bare-cr"],
  "six empty lines before the request": ["\r\n".repeat(6) + get("X: y"), "bad-start-line"],
  "a CR before the request": ["\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare-cr"],
  "a folded field": ["GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "obs-fold"],
  "a field folded with a tab": ["GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", "obs-fold"],
  "a first field that begins with a space": ["GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs-fold"],
  "a space before the colon": [get("X : y"), "space-before-colon"],
  "a tab before the colon": [get("Content-Length\t: 5"), "space-before-colon"],
  "a field without a colon": [get("Nonsense"), "bad-field-name"],
  "a field without a name": [get(": y"), "bad-field-name"],
  "a field name with a parenthesis": [get("X(: y"), "bad-field-name"],
  "a field name with a byte above 0x7f": [get("X\xe9: y"), "bad-field-name"],
  "a NUL in a field value": [get("X: a\0b"), "bad-field-value"],
  "a control byte in a field value": [get("X: a\x01b"), "bad-field-value"],
  "a DEL in a field value": [get("X: a\x7fb"), "bad-field-value"],
  "no Host in HTTP/1.1": ["GET / HTTP/1.1\r\nX: y\r\n\r\n", "missing-host"],
  "two Hosts": [get("Host: b"), "repeated-host"],
  "the same Host twice": [get("Host: a"), "repeated-host"],
  "a Host with a list": ["GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "bad-host"],
  "a Host with a path": ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad-host"],
  "a Host with user information": ["GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad-host"],
  "a Host with a port that is no number": ["GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", "bad-host"],
  "a Host with an unclosed bracket": ["GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "bad-host"],
  "both lengths, Content-Length first": [
    post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    "length-and-encoding",
  ],
  "both lengths, Transfer-Encoding first": [
    post("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n"),
    "length-and-encoding",
  ],
  "two Content-Lengths that differ": [
    post("Content-Length: 3\r\nContent-Length: 4", "abcd"),
    "repeated-content-length",
  ],
  "the same Content-Length twice": [
    post("Content-Length: 3\r\nContent-Length: 3", "abc"),
    "repeated-content-length",
  ],
  "a Content-Length that is a list": [post("Content-Length: 3, 3", "abc"), "bad-content-length"],
  "a Content-Length with a sign": [post("Content-Length: +3", "abc"), "bad-content-length"],
  "a negative Content-Length": [post("Content-Length: -1"), "bad-content-length"],
  "a hexadecimal Content-Length": [post("Content-Length: 0x3", "abc"), "bad-content-length"],
  "an empty Content-Length": [post("Content-Length: "), "bad-content-length"],
  "a Content-Length of 2^53": [post("Content-Length: 9007199254740992"), "bad-content-length"],
  "a Content-Length of 40 digits": [post(`Content-Length: ${"9".repeat(40)}`), "bad-content-length"],
  "a Content-Length with a fraction": [post("Content-Length: 3.0", "abc"), "bad-content-length"],
  "an unknown Transfer-Encoding": [post("Transfer-Encoding: gzip"), "bad-transfer-encoding"],
  "chunked not alone": [post("Transfer-Encoding: gzip, chunked"), "bad-transfer-encoding"],
  "chunked twice in a list": [post("Transfer-Encoding: chunked, chunked"), "bad-transfer-encoding"],
  "chunked in two fields": [
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    "bad-transfer-encoding",
  ],
  identity: [post("Transfer-Encoding: identity"), "bad-transfer-encoding"],
  "chunked with a vertical tab": [post("Transfer-Encoding: \x0bchunked"), "bad-field-value"],
  xchunked: [post("Transfer-Encoding: xchunked"), "bad-transfer-encoding"],
  "an empty Transfer-Encoding": [post("Transfer-Encoding: "), "bad-transfer-encoding"],
  "Transfer-Encoding in HTTP/1.0": [
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding-in-http-1.0",
  ],
  "a chunk without a size": [chunked("\r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size with a sign": [chunked("+3\r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size with 0x": [chunked("0x3\r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size after a space": [chunked(" 3\r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size before a space": [chunked("3 \r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size of 14 digits": [chunked("10000000000003\r\nabc"), "bad-chunk-size"],
  "a chunk size with 14 leading zeros": [chunked("000000000000003\r\nabc\r\n0\r\n\r\n"), "bad-chunk-size"],
  "a chunk size that ends with LF": [chunked("3\nabc\r\n0\r\n\r\n"), "bare-lf"],
  "a chunk size that ends with CR": [chunked("3\rXabc\r\n0\r\n\r\n"), "bare-cr"],
  "a chunk extension with a bare LF": [chunked("3;a\nabc\r\n0\r\n\r\n"), "bare-lf"],
  "a chunk extension without a name": [chunked("3;\r\nabc\r\n0\r\n\r\n"), "bad-chunk-extension"],
  "a chunk extension with an open quote": [chunked('3;a="b\r\nabc\r\n0\r\n\r\n'), "bad-chunk-extension"],
  "a chunk extension with white space": [chunked("3; a=b\r\nabc\r\n0\r\n\r\n"), "bad-chunk-extension"],
  "a chunk extension with a NUL": [chunked("3;a\0\r\nabc\r\n0\r\n\r\n"), "bad-chunk-extension"],
  "a chunk extension of 300 bytes": [
    chunked(`3;${"a".repeat(300)}\r\nabc\r\n0\r\n\r\n`),
    "bad-chunk-extension",
  ],
  "chunk data longer than its size": [chunked("3\r\nabcd\r\n0\r\n\r\n"), "bad-chunk-end"],
  "chunk data that ends with LF": [chunked("3\r\nabc\n0\r\n\r\n"), "bare-lf"],
  "chunk data that ends with CR": [chunked("3\r\nabc\rX0\r\n\r\n"), "bare-cr"],
  "a trailer that frames": [chunked("0\r\nContent-Length: 5\r\n\r\n"), "bad-trailer"],
  "a trailer that frames, in capitals": [chunked("0\r\nTRANSFER-ENCODING: chunked\r\n\r\n"), "bad-trailer"],
  "a trailer that routes": [chunked("0\r\nHost: b\r\n\r\n"), "bad-trailer"],
  "a trailer with a space before its colon": [chunked("0\r\nX : y\r\n\r\n"), "space-before-colon"],
  "a folded trailer": [chunked("0\r\nX: y\r\n z\r\n\r\n"), "obs-fold"],
  "a trailer with a bare LF": [chunked("0\r\nX: y\n\r\n"), "bare-lf"],
  "a trailer with a NUL": [chunked("0\r\nX: \0\r\n\r\n"), "bad-field-value"],
  "trailers of 20 KB": [chunked(`0\r\nX: ${"y".repeat(20_000)}\r\n\r\n`), "head-too-large"],
  "a head above the limit": [get(`X: ${"y".repeat(LIMITS.maxBytes)}`), "head-too-large"],
  "one field too many": [
    get(Array.from({ length: LIMITS.maxFields }, (_, n) => `X${n}: y`).join("\r\n")),
    "too-many-fields",
  ],
};

const REFUSED_ANSWERS: Readonly<Record<string, readonly [string, Violation]>> = {
  "a status of two digits": ["HTTP/1.1 20 OK\r\n\r\n", "bad-status"],
  "a status of four digits": ["HTTP/1.1 2000 OK\r\n\r\n", "bad-status"],
  "a status below 100": ["HTTP/1.1 099 X\r\n\r\n", "bad-status"],
  "a status of 600": ["HTTP/1.1 600 X\r\n\r\n", "bad-status"],
  "a status that is no number": ["HTTP/1.1 2x0 X\r\n\r\n", "bad-status"],
  "an answer of another protocol": ["SSH-2.0-OpenSSH\r\n\r\n", "bad-version"],
  "an empty line before the status line": ["\r\nHTTP/1.1 200 OK\r\n\r\n", "bad-version"],
  "a NUL in the reason": ["HTTP/1.1 200 O\0K\r\n\r\n", "bad-start-line"],
  "a status line that ends with LF": ["HTTP/1.1 200 OK\nX: y\r\n\r\n", "bare-lf"],
  "a folded field": [ok("X: a\r\n b"), "obs-fold"],
  "both lengths": [ok("Content-Length: 3\r\nTransfer-Encoding: chunked"), "length-and-encoding"],
  "differing lengths": [ok("Content-Length: 3\r\nContent-Length: 4"), "repeated-content-length"],
  "an unknown coding": [ok("Transfer-Encoding: gzip, chunked"), "bad-transfer-encoding"],
  "chunks in HTTP/1.0": [
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "transfer-encoding-in-http-1.0",
  ],
  "a space before the colon": [ok("Content-Length : 3"), "space-before-colon"],
  "a chunk size that overflows": [
    `${ok("Transfer-Encoding: chunked")}ffffffffffffffff\r\n`,
    "bad-chunk-size",
  ],
};

describe("a request is refused that has", () => {
  for (const [what, [text, violation]] of Object.entries(REFUSED_REQUESTS)) {
    it(what, () => assert.equal(read(text).violation, violation));
  }
});

describe("an answer is refused that has", () => {
  for (const [what, [text, violation]] of Object.entries(REFUSED_ANSWERS)) {
    it(what, () => assert.equal(read(text, "response").violation, violation));
  }
});

it("every kind of violation that the parser can find has a row here", () => {
  const rows = new Set(
    [...Object.values(REFUSED_REQUESTS), ...Object.values(REFUSED_ANSWERS)].map(([, violation]) => violation),
  );
  // These three are found by a connection, not by the parser.
  const elsewhere = new Set<string>(["unexpected-upgrade", "too-many-interim-answers", "unexpected-answer"]);
  assert.deepEqual(
    Object.keys(VIOLATIONS).filter(
      (violation) => !rows.has(violation as Violation) && !elsewhere.has(violation),
    ),
    [],
  );
});

describe("a request is read that has", () => {
  const READ: Readonly<Record<string, readonly [string, string]>> = {
    "no body": [get("X: y"), ""],
    "an empty line before it": [`\r\n${get("X: y")}`, ""],
    "a body by length": [post("Content-Length: 3", "abc"), "abc"],
    "a length of 0": [post("Content-Length: 0"), ""],
    "a chunked body": [chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "abcde"],
    "a chunked body in capitals and hexadecimal": [
      post("TRANSFER-ENCODING: CHUNKED", `A\r\n${"x".repeat(10)}\r\n0\r\n\r\n`),
      "x".repeat(10),
    ],
    "chunk extensions": [chunked('3;a;b=c;d="e;\\"f"\r\nabc\r\n0;z\r\n\r\n'), "abc"],
    trailers: [chunked("0\r\nX-Checksum: 1\r\nY: z\r\n\r\n"), ""],
    "white space around values": [post("Content-Length: \t 3 \t", "abc"), "abc"],
    "an absolute target": ["GET http://a/x?y HTTP/1.1\r\nHost: A\r\n\r\n", ""],
    "OPTIONS *": ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""],
    "an IPv6 Host": ["GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ""],
    "an empty Host": ["GET / HTTP/1.1\r\nHost:\r\n\r\n", ""],
    "no Host, in HTTP/1.0": ["GET / HTTP/1.0\r\n\r\n", ""],
    "bytes above 0x7f in target and value": ["GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n", ""],
  };
  for (const [what, [text, body]] of Object.entries(READ)) {
    it(what, () => {
      const { messages, violation } = read(text);
      assert.equal(violation, null);
      assert.equal(messages.length, 1);
      assert.equal(messages[0]?.body, body);
      assert.equal(messages[0]?.complete, true);
    });
  }

  it("fields whose names differ from known ones by one byte, as unknown", () => {
    const { messages, violation } = read(get("content-lengti: x\r\ncontent_length: y\r\nHosd: z"));
    assert.equal(violation, null);
    assert.equal(messages.length, 1);
  });
});

it("an answer without a length lasts until its connection ends", () => {
  const { messages } = readAll([Buffer.from(ok("X: y")), Buffer.from("abc"), Buffer.from("def")], "response");
  assert.deepEqual(
    messages.map(({ body, complete }) => ({ body, complete })),
    [{ body: "abcdef", complete: true }],
  );
});

it("a status of 204 or 304 has no body whatever its fields say", () => {
  for (const status of [204, 304]) {
    const { messages } = read(
      `HTTP/1.1 ${status} X\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
      "response",
    );
    assert.equal(messages.length, 2, String(status));
  }
});
