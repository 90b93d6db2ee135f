import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually, freePort } from "../testing/outrigger.ts";
import { Container } from "./container.ts";
import type { ContainerPlan } from "./plan.ts";
import type { ProbePlan } from "./probe.ts";

const POD_GRACE = 30_000;
/** Hears its stop signal, and stays. */
const STUBBORN = `process.on("SIGTERM", () => console.log("stays")); setInterval(() => {}, 1000); console.log("up");`;

for (const [sentence, kind, own, grace] of [
  ["of the liveness probe that failed", "livenessProbe", 7000, 7000],
  ["of the startup probe that failed", "startupProbe", 7000, 7000],
  ["of the pod, where the probe that failed has none", "livenessProbe", undefined, POD_GRACE],
] as const) {
  test(`a container that its probe has stopped is killed after the terminationGracePeriodSeconds ${sentence}`, async () => {
    const clock = new VirtualClock();
    const [lines, said]: [string[], string[]] = [[], []];
    const probe: ProbePlan = {
      action: { kind: "tcp", host: "127.0.0.1", port: await freePort() },
      initialDelay: 1000,
      period: 1000,
      timeout: 10_000,
      successThreshold: 1,
      failureThreshold: 1,
      grace: own,
    };
    const plan: ContainerPlan = {
      name: "web",
      role: "main",
      image: "node:24",
      pattern: undefined,
      command: { argv: [process.execPath, "-e", STUBBORN], env: {}, cwd: "/" },
      restartPolicy: "Never",
      startupProbe: undefined,
      livenessProbe: undefined,
      readinessProbe: undefined,
      postStart: undefined,
      preStop: undefined,
      stopSignal: "SIGTERM",
      mounts: [],
      ports: [],
      [kind]: probe,
    };
    const container = new Container(plan, {
      clock,
      backOffBase: 0,
      watcher: { started: () => {}, ended: () => {} },
      grace: POD_GRACE,
      output: (line) => lines.push(line),
      say: (_, message) => said.push(message),
    });
    const life = container.start();
    try {
      await eventually("it is up", () => lines.includes("up"));
      clock.advance(1000);
      await eventually("it has had its stop signal", () => lines.includes("stays"));
      await clock.advanceAsync(grace - 1);
      assert.equal(container.killedAfterGrace, false, said.join("\n"));
      await clock.advanceAsync(1);
      assert.equal(container.killedAfterGrace, true, said.join("\n"));
      await life;
      assert.deepEqual(container.state, { is: "ended", code: 137, how: "ended by SIGKILL" });
    } finally {
      container.kill();
    }
  });
}
