/** Trimming an answer's head in place gives the bytes that rewriting it gives, whatever its fields. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Framing } from "./framing.ts";
import { Head } from "./head.ts";
import { rewriteResponse, trimResponse } from "./rewrite.ts";

const STATUS_LINE = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 204 No Content\r\n",
  "HTTP/1.1 304 Not Modified\r\n",
  "HTTP/1.1 500 \r\n",
  "HTTP/1.1 200\r\n",
  "HTTP/1.0 200 OK\r\n",
];
const FIELD = [
  "Server: x\r\n",
  "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
  "Connection: keep-alive\r\n",
  "Connection: x-a, keep-alive\r\n",
  "Connection: X-LONGER\r\n",
  "Keep-Alive: timeout=5\r\n",
  "X-A: 1\r\n",
  "x-longer:   value with blanks  \r\n",
  "Upgrade: h2c\r\n",
  "Proxy-Connection: keep-alive\r\n",
  "Proxy-Authenticate: Basic\r\n",
  "TE: trailers\r\n",
  "Trailer: X-T\r\n",
  "Empty:\r\n",
];
const LENGTH = ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"];

const answer = fc
  .tuple(
    fc.constantFrom(...STATUS_LINE),
    fc.array(fc.constantFrom(...FIELD), { maxLength: 8 }),
    fc.constantFrom(...LENGTH),
    fc.array(fc.constantFrom(...FIELD), { maxLength: 8 }),
    fc.nat({ max: 40 }),
  )
  .map(([line, before, length, after, offset]) => ({
    offset,
    text: `${line}${before.join("")}${length}${after.join("")}\r\n`,
  }));

it("a head trimmed in place is the head rewritten, and ends where the body begins", () => {
  let trimmed = 0;
  fc.assert(
    fc.property(answer, ({ text, offset }) => {
      const bytes = Buffer.from(`${"#".repeat(offset)}${text}BODY`, "latin1");
      const read = (): { head: Head; framing: Framing; past: number } => {
        const head = new Head({ maxBytes: 32 * 1024, maxFields: 100 });
        const framing = new Framing();
        const past = head.readResponse(bytes, offset, bytes.length);
        assert.equal(past, offset + text.length);
        return { head, framing, past };
      };
      const one = read();
      fc.pre(one.framing.ofResponse(one.head, false) === null);
      const expected = rewriteResponse(one.head, one.past, one.framing, {
        connection: "",
        chunking: "as-is",
        added: "",
      });
      const other = read();
      other.framing.ofResponse(other.head, false);
      const start = trimResponse(other.head, other.past, other.framing);
      if (start < 0) {
        assert.match(text, /^HTTP\/1\.(0|1 200\r)/);
        return;
      }
      trimmed++;
      assert.equal(bytes.toString("latin1", start), `${expected}BODY`);
      assert.equal(bytes.toString("latin1", 0, offset), "#".repeat(offset));
    }),
    { numRuns: 3000 },
  );
  assert.ok(trimmed > 1000);
});
