import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Folder, freePort, nodeContainer, Outrigger, podManifest, STEADY } from "./testing/outrigger.ts";

describe("outrigger run, when something fails", { concurrency: 3 }, () => {
  test("a startup probe that never succeeds stops the container, and starts it again", async () => {
    using folder = new Folder();
    const startupProbe = { tcpSocket: { port: await freePort() }, periodSeconds: 1, failureThreshold: 2 };
    const file = folder.write(
      "pod.yaml",
      podManifest({ containers: [nodeContainer("web", STEADY, { startupProbe })] }),
    );
    await using run = new Outrigger(["run", file, "--restart-backoff", "20ms"]);
    await run.line(/web: started \(pid \d+, restart 1\)/);
    const stopped = run.at(/web: startup probe failed 2 times \(ECONNREFUSED\): stopping it$/);
    assert.ok(stopped < run.at(/web: started \(pid \d+, restart 1\)/));
  });

  test("a postStart hook that fails stops the container, and starts it again", async () => {
    using folder = new Folder();
    const lifecycle = {
      postStart: { exec: { command: [process.execPath, "-e", "process.exit(9)"] } },
    };
    const file = folder.write(
      "pod.yaml",
      podManifest({ containers: [nodeContainer("web", STEADY, { lifecycle })] }),
    );
    await using run = new Outrigger(["run", file, "--restart-backoff", "20ms"]);
    await run.line(/web: started \(pid \d+, restart 1\)/);
    const stopped = run.at(/web: postStart hook failed \(exit code 9\): stopping it$/);
    assert.ok(stopped < run.at(/web: started \(pid \d+, restart 1\)/));
  });

  test("a pod that runs longer than its activeDeadlineSeconds is stopped in order, and has failed", async () => {
    using folder = new Folder();
    const file = folder.write(
      "pod.yaml",
      podManifest({ activeDeadlineSeconds: 2, containers: [nodeContainer("web", STEADY)] }),
    );
    await using run = new Outrigger(["run", file]);
    assert.equal(await run.ended, 1, run.stderr);
    await run.line(/pod shop: activeDeadlineSeconds \(2 s\) has passed: stopping the pod$/);
    await run.line(/web: exited with code 0$/);
    await run.line(/failed: pod shop failed$/);
  });

  test("several pods on one network end with exit code 1 when one of them failed", async () => {
    using folder = new Folder();
    const pod = (name: string, code: number): string =>
      podManifest(
        { restartPolicy: "Never", containers: [nodeContainer("web", `process.exit(${code})`)] },
        { name },
      );
    const file = folder.write("pods.yaml", [pod("bad", 7), pod("good", 0)].join("\n---\n"));
    await using run = new Outrigger(["run", file, "--network", "host"]);
    assert.equal(await run.ended, 1);
    await run.line(/failed: bad\/web exited with code 7$/);
  });
});
