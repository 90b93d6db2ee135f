/** A gate in a pod that is deleted, in the kubelet's order: as a native sidecar, and as an ordinary container. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually, Folder, freePort, nodeContainer, Outrigger, podManifest } from "./testing/outrigger.ts";

/** Dies at once on SIGTERM, as a program without a handler does; answers /slow when its pod is being deleted. */
const ABRUPT = (port: number): string => `
  const http = require("http");
  let held = [];
  http.createServer((q, s) => {
    if (q.url === "/slow") { held.push(s); console.log("has the slow one"); }
    else if (q.url === "/finish") { for (const one of held) one.end("finished"); s.end(); }
    else s.end("at once");
  }).listen(${port}, "127.0.0.1", () => console.log("up"));`;

describe("a workload behind a gate that dies at once on SIGTERM loses no request when its pod is deleted", () => {
  for (const form of ["native sidecar", "ordinary container"] as const) {
    test(form, async () => {
      using folder = new Folder();
      const [probe, control, listen, port] = await Promise.all([
        freePort(),
        freePort(),
        freePort(),
        freePort(),
      ]);
      const gate = {
        name: "gate",
        image: "ghcr.io/outrigger/ambassador:0.1.0",
        args: [
          `--route=127.0.0.1:${listen}=http://127.0.0.1:${port}?role=ingress`,
          `--probe=127.0.0.1:${probe}`,
          `--control=${control}`,
          "--settle=1s",
        ],
      };
      const workload = nodeContainer("web", ABRUPT(port), {
        lifecycle: {
          preStop: {
            httpGet: {
              host: "127.0.0.1",
              port: probe,
              path: "/drain",
              httpHeaders: [{ name: "x-outrigger-drain", value: "preStop" }],
            },
          },
        },
      });
      const native = form === "native sidecar";
      const file = folder.write(
        "pod.yaml",
        podManifest({
          ...(native && { initContainers: [{ ...gate, restartPolicy: "Always" }] }),
          containers: native ? [workload] : [gate, workload],
        }),
      );
      await using run = new Outrigger(["run", file, "--log", "json"]);
      await run.line(/^web +\| up/);
      await run.line(/^gate +\| .*"ready"/);
      const url = `http://127.0.0.1:${listen}`;
      await eventually("the gate is ready", async () => {
        const answer = await fetch(`http://127.0.0.1:${probe}/readyz`).catch(() => null);
        return answer?.status === 200;
      });
      const slow = fetch(`${url}/slow`).then((answer) => answer.text());
      await run.line(/has the slow one/);

      run.process.kill("SIGTERM");
      await run.line(/drain asked for/);
      // The endpoint's removal spreads only now: what still comes is served.
      const late = await fetch(url);
      assert.deepEqual([await late.text(), late.headers.get("connection")], ["at once", "close"]);
      assert.ok(!run.lines.some((line) => line.includes("web: stopped")), run.lines.join("\n"));
      await fetch(`http://127.0.0.1:${port}/finish`);
      assert.equal(await slow, "finished");
      await run.ended;
      assert.ok(
        run.at(/drained: the workload may end/) < run.at(/ web: .*(stopped|SIGTERM)/),
        run.lines.join("\n"),
      );
      assert.ok(!run.lines.some((line) => line.includes("preStop hook failed")), run.lines.join("\n"));
      if (native) assert.ok(run.at(/ web: .*(stopped|SIGTERM)/) < run.at(/gate: stopped/));
    });
  }
});
