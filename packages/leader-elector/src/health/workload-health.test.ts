/** The workload's health, by a probe that the test answers, and by real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { dutyDeps } from "../testing/term.ts";
import { parseHealthCheck, WorkloadHealth, type WorkloadHealthOptions } from "./workload-health.ts";

function create(options: Partial<WorkloadHealthOptions> = {}) {
  const clock = new VirtualClock();
  const state = { sick: null as string | null, checks: 0 };
  const probe = async (): Promise<string | null> => {
    state.checks++;
    return state.sick;
  };
  const deps = { ...dutyDeps(clock), random: () => 0.5, probe };
  const health = new WorkloadHealth({ check: "tcp:1", interval: 1_000, ...options }, deps);
  const changes: boolean[] = [];
  health.onChange((healthy) => changes.push(healthy));
  return { health, state, clock, changes, lines: deps.lines };
}

test("nothing is taken for well before its first check, which counts alone", async () => {
  for (const sick of [null, "refused"]) {
    const { health, state, changes } = create();
    state.sick = sick;
    assert.deepEqual([health.healthy, health.reason], [false, "not checked yet"]);
    await health.start();
    assert.deepEqual([health.healthy, health.reason], [sick === null, sick]);
    assert.deepEqual(changes, sick === null ? [true] : []);
    await health.stop();
  }
});

test("three failures in a row make it sick, two passes in a row well again; each is told once", async () => {
  const { health, state, clock, changes, lines } = create();
  await health.start();
  const next = async (sick: string | null): Promise<boolean> => {
    state.sick = sick;
    await clock.advanceAsync(1_000);
    return health.healthy;
  };
  const course: [string | null, boolean][] = [
    ["x", true],
    ["x", true],
    [null, true],
    ["x", true],
    ["x", true],
    ["status 503", false],
    [null, false],
    ["x", false],
    [null, false],
    [null, true],
  ];
  for (const [index, [sick, healthy]] of course.entries()) {
    assert.equal(await next(sick), healthy, `check ${index}`);
    if (index === 5) assert.equal(health.reason, "status 503");
  }
  assert.equal(health.reason, null);
  assert.deepEqual(changes, [true, false, true]);
  assert.deepEqual(lines, [
    "info the workload is well",
    "warn the workload is sick",
    "info the workload is well",
  ]);
  await health.stop();
});

test("after stop nothing is checked and nothing is told", async () => {
  const { health, state, clock, changes } = create();
  await health.start();
  const before = state.checks;
  await health.stop();
  state.sick = "x";
  await clock.advanceAsync(60_000);
  assert.equal(state.checks, before);
  assert.deepEqual(changes, [true]);
  assert.equal(clock.pendingTimers, 0);
});

test("a port and a path are asked as they stand at localhost", async () => {
  let status = 200;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status).end();
  });
  after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const [check, answer, healthy, reason] of [
    [`tcp:${port}`, 503, true, null],
    [`http:${port}/healthz?full`, 204, true, null],
    [`http:${port}/healthz`, 302, false, "status 302"],
  ] as const) {
    status = answer;
    const health = new WorkloadHealth({ check }, dutyDeps());
    await health.start();
    assert.deepEqual([health.healthy, health.reason], [healthy, reason], check);
    await health.stop();
  }
  assert.deepEqual(asked, ["/healthz?full", "/healthz"]);
  server.close();
  const health = new WorkloadHealth({ check: `tcp:${port}` }, dutyDeps());
  await health.start();
  assert.equal(health.healthy, false);
  assert.match(health.reason ?? "", /connect failed/);
  await health.stop();
});

test("a check that can be none is refused with what it may be", () => {
  for (const text of [
    "",
    "tcp",
    "tcp:0",
    "tcp:70000",
    "tcp:80/x",
    "http:80",
    "http://h:80/",
    "exec:true",
    "tcp:h:80",
    "http:80/a b",
  ])
    assert.throws(
      () => parseHealthCheck(text),
      /is no check of a workload: tcp:PORT, or http:PORT\/PATH/,
      text,
    );
  assert.deepEqual(parseHealthCheck("http:8080/healthz"), { port: 8080, path: "/healthz" });
});
