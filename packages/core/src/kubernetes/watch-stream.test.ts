import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { LEASES } from "./objects.ts";
import { readEvent, splitLines } from "./watch-stream.ts";

async function* pieces(...texts: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}
async function all(source: AsyncGenerator<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of source) lines.push(line);
  return lines;
}

describe("a watch's lines", () => {
  it("are the same however the bytes are cut, also within a letter", async () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => text.replace(/\n/g, "") || "x");
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(40), { minLength: 1 }), async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const parts: Buffer[] = [];
        for (let start = 0, index = 0; start < bytes.length; index++) {
          const size = 1 + (cuts[index % cuts.length] as number);
          parts.push(bytes.subarray(start, start + size));
          start += size;
        }
        assert.deepEqual(await all(splitLines(pieces(...parts))), lines);
      }),
    );
  });

  it("end with an error where the last is not whole, or one is too long, before it is all there", async () => {
    await assert.rejects(all(splitLines(pieces("a\n", "b"))), { code: "kubernetes-unavailable" });
    const long = splitLines(pieces("ok\n", "12345", "67890", "\n"), 8);
    assert.equal((await long.next()).value, "ok");
    await assert.rejects(long.next(), { code: "kubernetes-unexpected", message: /longer than 8/ });
    assert.deepEqual(await all(splitLines(pieces("\n\na\n\n"))), ["a"]);
  });

  it("are refused when they are no event", () => {
    const target = { verb: "watch", resource: LEASES, namespace: "n", name: null } as const;
    for (const line of [
      "nonsense",
      "[]",
      "{}",
      '{"type":"OTHER"}',
      '{"type":"ADDED","object":{}}',
      '{"type":"ADDED"}',
    ])
      assert.throws(
        () => readEvent(line, target, "here", (object) => object as never),
        { code: "kubernetes-unexpected" },
        line,
      );
    assert.throws(
      () => readEvent('{"type":"ERROR","object":{}}', target, "here", (object) => object as never),
      {
        code: "kubernetes-unavailable",
      },
    );
  });
});
