import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { LogBacklog } from "./backlog.ts";

/** A pipe that takes `room` bytes, then none until it is given more. */
function setUp(limit = 100) {
  const clock = new VirtualClock();
  const pipe = { out: "", room: Infinity, code: "EAGAIN", tries: 0 };
  const backlog = new LogBacklog({
    write(bytes) {
      pipe.tries++;
      const all = Buffer.from(bytes);
      if (pipe.room === 0) throw Object.assign(new Error("full"), { code: pipe.code });
      const taken = all.subarray(0, pipe.room);
      pipe.room -= taken.length;
      pipe.out += taken.toString("latin1");
      return taken.length;
    },
    gap: (dropped) => `gap ${dropped}\n`,
    limit,
    clock,
    pause: (span) => clock.advance(span),
  });
  return { clock, pipe, backlog };
}

test("a line is out before write returns, and leaves no timer", () => {
  const { clock, pipe, backlog } = setUp();
  backlog.write("a\n");
  assert.equal(pipe.out, "a\n");
  assert.equal(clock.pendingTimers, 0);
});

test("what a full pipe does not take comes later, in order, a half line with its other half", () => {
  const { clock, pipe, backlog } = setUp();
  pipe.room = 3;
  for (const line of ["first\n", "second\n", "third\n"]) backlog.write(line);
  assert.equal(pipe.out, "fir");
  clock.advance(1_000);
  assert.equal(pipe.out, "fir");
  pipe.room = Infinity;
  clock.advance(200);
  assert.equal(pipe.out, "first\nsecond\nthird\n");
  assert.equal(clock.pendingTimers, 0);
  assert.equal(backlog.dropped, 0);
});

test("beyond the bound the oldest lines go, are counted, and a line says so where they are missing", () => {
  const { clock, pipe, backlog } = setUp(20);
  pipe.room = 1;
  backlog.write("torn\n");
  for (let n = 1; n <= 9; n++) backlog.write(`line${n}\n`);
  assert.equal(backlog.dropped, 6, "3 lines of 6 bytes fit in 20");
  pipe.room = Infinity;
  clock.advance(200);
  assert.equal(pipe.out, "torn\ngap 6\nline7\nline8\nline9\n");
  backlog.write("after\n");
  assert.ok(pipe.out.endsWith("line9\nafter\n"), "a gap is told once");
});

test("a pipe that stays full is tried less and less often, and soon again once it moves", () => {
  const { clock, pipe, backlog } = setUp();
  pipe.room = 0;
  backlog.write("a\n");
  clock.advance(10_000);
  const tries = pipe.tries;
  clock.advance(10_000);
  assert.equal(pipe.tries - tries, 50);
  pipe.room = 1;
  while (pipe.out === "") clock.advance(1);
  pipe.room = Infinity;
  clock.advance(5);
  assert.equal(pipe.out, "a\n");
});

test("flushSync waits for a slow reader, and gives up after half a second on one that does not read", () => {
  for (const reads of [true, false]) {
    const { clock, pipe, backlog } = setUp();
    pipe.room = 0;
    backlog.write("last words\n");
    if (reads) clock.timer(300, () => (pipe.room = Infinity));
    backlog.flushSync();
    assert.equal(pipe.out, reads ? "last words\n" : "");
    assert.ok(clock.now() <= 505, String(clock.now()));
  }
});

test("any failure to write keeps the line: a disk may find space, a named pipe a reader", () => {
  for (const code of ["EPIPE", "ENOSPC", "EIO"]) {
    const { clock, pipe, backlog } = setUp();
    Object.assign(pipe, { room: 0, code });
    backlog.write("kept\n");
    pipe.room = Infinity;
    clock.advance(5);
    assert.equal(pipe.out, "kept\n", code);
  }
});

test("whatever the pipe takes and when, lines come whole and in order, and each is out, dropped or waiting", () => {
  const step = fc.oneof(
    fc.record({ write: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ room: fc.integer({ min: 0, max: 30 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, pipe, backlog } = setUp(40);
      pipe.room = 5;
      let written = 0;
      for (const each of steps) {
        if ("write" in each) backlog.write(`${written++}${"é".repeat(each.write)}\n`);
        else {
          pipe.room = each.room;
          clock.advance(200);
        }
      }
      pipe.room = Infinity;
      clock.advance(200);
      const lines = Buffer.from(pipe.out, "latin1").toString().split("\n").slice(0, -1);
      let next = 0;
      let dropped = 0;
      for (const line of lines) {
        const gap = /^gap (\d+)$/.exec(line);
        if (gap) {
          next += Number(gap[1]);
          dropped += Number(gap[1]);
        } else assert.match(line, new RegExp(`^${next++}é+$`));
      }
      assert.equal(next, written);
      assert.equal(dropped, backlog.dropped);
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 300 },
  );
});
