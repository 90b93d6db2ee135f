/** What the log says of requests, and how often. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { silentLogger, type Logger } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { AccessLog, type LoggedExchange } from "./access-log.ts";

const EXCHANGE: LoggedExchange = {
  headText:
    "GET /a HTTP/1.1\r\nHost: b\r\nTraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
  status: 502,
  endpointKey: "10.0.0.1:80",
  attempts: 2,
  startedAt: 100,
};
const REPLY = { status: 502, code: "reset", message: "no answer" } as const;

function logged(random = () => 0) {
  const lines: { fields: Record<string, unknown>; message: string }[] = [];
  const keep = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message });
  const log: Logger = { ...silentLogger, info: keep, warn: keep };
  const clock = new VirtualClock(112.5);
  return { lines, clock, access: new AccessLog("8001", clock, random, log) };
}

it("a line says what was asked, where it went, how often, how long, and in which trace", () => {
  const { lines, access } = logged();
  access.replied(EXCHANGE, REPLY);
  assert.deepEqual(lines[0]?.fields, {
    listener: "8001",
    request: "GET /a HTTP/1.1",
    status: 502,
    endpoint: "10.0.0.1:80",
    attempts: 2,
    ms: 12.5,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    span_id: "b7ad6b7169203331",
    code: "reset",
    reason: "no answer",
  });
});

it("what was no request is told by where it came from, not as the request before it", () => {
  const { lines, access } = logged();
  access.turnedAway("10.0.0.9", { status: 400, code: "bare-lf", message: "a line ends in LF alone" });
  assert.deepEqual(lines[0], {
    fields: {
      listener: "8001",
      client: "10.0.0.9",
      status: 400,
      code: "bare-lf",
      reason: "a line ends in LF alone",
    },
    message: "refused: not a request",
  });
});

it("finished requests are logged by their sampled share; none by default", () => {
  const draws = [0.1, 0.9, 0.2];
  const { lines, access } = logged(() => draws.shift() ?? 1);
  access.finished(EXCHANGE, 200);
  assert.equal(lines.length, 0);
  access.sample = 0.5;
  for (let n = 0; n < 3; n++) access.finished(EXCHANGE, 200);
  assert.equal(lines.length, 2);
});

it("failures are told ten times a second, and how many were left out", () => {
  const { lines, clock, access } = logged();
  for (let n = 0; n < 25; n++) access.replied(EXCHANGE, REPLY);
  assert.equal(lines.length, 10);
  clock.advance(1000);
  access.truncated(EXCHANGE);
  assert.equal(lines.length, 11);
  assert.equal(lines[10]?.fields["leftOut"], 15);
  access.truncated(EXCHANGE);
  assert.equal(lines[11]?.fields["leftOut"], undefined);
});
