/** Backends that die, stop, and are restarted as a deployment does it. */
import type { Failure } from "../../support/workload.ts";
import { EJECT_TIME, type Scenario } from "../scenario.ts";

/** Says at once that it was not done, instead of hanging or breaking the connection. */
export const refusedOutright = ({ kind, status }: Failure): boolean =>
  kind === "status" && (status === 502 || status === 503 || status === 504);

/** Of the scenarios in which a backend is silent: so long, and a request is tried elsewhere. */
export const PER_TRY = { perTryTimeout: "250ms" };

export const processScenarios: readonly Scenario[] = [
  {
    name: "kill",
    promise: "each backend in turn is killed (kill -9) and started again: no GET fails",
    async play(stage) {
      await stage.eachBackend(async (backend) => {
        await stage.fault(`kill ${backend.name}`, () => backend.kill());
        await stage.mend(() => backend.start());
      });
    },
  },
  {
    name: "pause",
    promise: "each backend in turn is stopped (SIGSTOP) and goes on (SIGCONT): no GET fails",
    route: PER_TRY,
    async play(stage) {
      await stage.eachBackend(async (backend) => {
        await stage.fault(`pause ${backend.name}`, () => backend.pause());
        await stage.mend(() => backend.resume());
      });
    },
  },
  {
    name: "pause-long",
    promise: "a backend that stays stopped beyond its ejection costs one probe at a time: no GET fails",
    route: PER_TRY,
    async play(stage) {
      const backend = stage.fleet.at(1);
      await stage.calm();
      await stage.fault(`pause ${backend.name}`, () => backend.pause(), 2.5 * EJECT_TIME);
      await stage.mend(() => backend.resume());
    },
  },
  {
    name: "restart",
    promise: "each backend in turn is restarted (SIGTERM, then started again): no GET fails",
    async play(stage) {
      await stage.eachBackend(async (backend) => {
        await stage.fault(`restart ${backend.name}`, async () => {
          await backend.terminate();
          await backend.start();
        });
        await stage.mend(() => {});
      });
    },
  },
  {
    name: "two-of-three",
    promise: "two of three backends are killed at once: no GET fails",
    async play(stage) {
      await stage.calm();
      for (let round = 0; round < stage.rounds; round++) {
        const [first, second] = [stage.fleet.at(round % 3), stage.fleet.at((round + 1) % 3)];
        await stage.fault(`kill ${first.name} and ${second.name}`, () =>
          Promise.all([first.kill(), second.kill()]),
        );
        await stage.mend(() => Promise.all([first.start(), second.start()]));
      }
    },
  },
  {
    name: "post-kill",
    promise: "backends are killed under POSTs: none is done twice, and what is not done is told",
    workload: { method: "POST" },
    allows: refusedOutright,
    atMostOnce: true,
    async play(stage) {
      await stage.eachBackend(async (backend) => {
        await stage.fault(`kill ${backend.name}`, () => backend.kill());
        await stage.mend(() => backend.start());
      });
    },
  },
  {
    name: "storm",
    promise: "backends are killed, stopped and restarted at random: no GET fails",
    route: PER_TRY,
    async play(stage) {
      await stage.calm();
      const strikes = stage.rounds === 1 ? 3 : 8 * stage.rounds;
      for (let strike = 0; strike < strikes; strike++) {
        const backend = stage.fleet.at(Math.floor(stage.random() * stage.fleet.backends.length));
        const lasts = 1_700 + Math.floor(stage.random() * 2_000);
        const dice = stage.random();
        if (dice < 0.4) {
          await stage.fault(`kill ${backend.name}`, () => backend.kill(), lasts);
          await stage.mend(() => backend.start());
        } else if (dice < 0.8) {
          await stage.fault(`pause ${backend.name}`, () => backend.pause(), lasts);
          await stage.mend(() => backend.resume());
        } else {
          await stage.fault(`restart ${backend.name}`, () => backend.terminate(), lasts);
          await stage.mend(() => backend.start());
        }
      }
    },
  },
];
