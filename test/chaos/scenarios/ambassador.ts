/** The ambassador itself is told to go, or dies. */
import { until } from "../../support/polling.ts";
import { Workload } from "../../support/workload.ts";
import { CONNECTIONS, type Scenario } from "../scenario.ts";

export const ambassadorScenarios: readonly Scenario[] = [
  {
    name: "ambassador-term",
    promise:
      "SIGTERM of the ambassador under load: it serves on while the workload is there, then exits 0; no GET fails",
    recovers: false,
    async play(stage) {
      const { ambassador, workload } = stage;
      await stage.calm();
      await stage.fault("SIGTERM", () => ambassador.program.kill("SIGTERM"), 2_000);
      stage.check("it serves on", ambassador.program.alive && workload.connected === CONNECTIONS);
      // The workload may also still dial while it goes.
      const late = new Workload({ port: ambassador.port, connections: 5, firstId: 1e9 }).start();
      await until("new connections are answered, too", () => late.took.length >= 100);
      await late.stop();
      stage.check(
        "new connections while draining fail nothing",
        late.failures.length === 0 && late.refused === 0,
      );
      await workload.stop();
      const gone = performance.now();
      const { code, signal } = await ambassador.program.exited;
      const took = performance.now() - gone;
      stage.check(`it exits 0 (exit code ${code}, signal ${signal})`, code === 0);
      stage.check(`within 3 s of the workload's end (${(took / 1000).toFixed(1)} s)`, took < 3_000);
    },
  },
  {
    name: "ambassador-kill",
    promise:
      "kill -9 of the ambassador, and a restart: what was in flight fails at once, nothing hangs, nothing else fails",
    recovers: false,
    allows: ({ kind }) => kind === "closed" || kind === "cut",
    async play(stage) {
      const { ambassador, workload } = stage;
      await stage.calm();
      for (let round = 1; round <= stage.rounds; round++) {
        const failedBefore = workload.failures.length;
        await stage.fault(
          "kill -9",
          async () => {
            const killed = performance.now();
            await ambassador.program.end();
            const within = await until("every request of then has ended", () => workload.inFlight === 0);
            stage.check(
              `nothing hangs: all ended ${Math.round(performance.now() - killed)} ms after the kill`,
              within < 1_000,
            );
          },
          300,
        );
        // Of each connection the request in flight, and one more: a dial that the dying process's port still took is
        // lost with it. A third cannot be, since the port takes none once it has dropped those. Of the second kind
        // nobody but the kernel has seen one, so that no more reached a backend than there are connections.
        const failures = workload.failures.slice(failedBefore);
        const failed = failures.length;
        stage.check(`${failed} failed at the kill`, failed <= 2 * CONNECTIONS);
        const ids = new Set(failures.map(({ id }) => id));
        const arrived = stage.fleet.backends
          .flatMap((backend) => [...backend.arrivals()])
          .filter(({ id }) => ids.has(id));
        stage.check(
          `${arrived.length} of them had reached a backend, each once`,
          arrived.length <= CONNECTIONS && new Set(arrived.map(({ id }) => id)).size === arrived.length,
        );
        await ambassador.startAgain();
        await until("the workload is connected again", () => workload.connected === CONNECTIONS);
        await stage.mend(() => {});
        const later = workload.failures.length - failedBefore - failed;
        stage.check(`${later} failed later`, later === 0);
      }
    },
  },
];
