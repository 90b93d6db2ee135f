/** Backends that run and answer wrongly. */
import type { Behaviour } from "../backend.ts";
import type { Scenario } from "../scenario.ts";
import { PER_TRY, refusedOutright } from "./processes.ts";

function misbehaving(behaviour: Behaviour, promise: string): Scenario {
  return {
    name: behaviour,
    promise,
    route: PER_TRY,
    async play(stage) {
      await stage.calm();
      for (let round = 0; round < stage.rounds; round++) {
        const backend = stage.fleet.at(round % stage.fleet.backends.length);
        await stage.fault(`${backend.name}: ${behaviour}`, () => backend.behave(behaviour));
        await stage.mend(() => backend.behave("right"));
      }
    },
  };
}

/** Both framings; large enough that an answer is read in pieces. */
const LARGE = {
  size: () => 60_000,
  shape: (id: number) => (id % 2 === 0 ? ("sized" as const) : ("chunked" as const)),
};

function breakingOff(behaviour: "cut-body" | "short-body", promise: string): Scenario {
  return {
    name: behaviour,
    promise,
    // It is to go on getting requests, and none of its answers is whole.
    route: { ejectAfter: 0 },
    workload: LARGE,
    recovers: false,
    // Before a byte of the answer was passed on, it may still be answered with 502.
    allows: (failure) => failure.kind === "cut" || refusedOutright(failure),
    async play(stage) {
      const backend = stage.fleet.at(0);
      await stage.calm();
      await stage.fault(
        `${backend.name}: ${behaviour}`,
        () => backend.behave(behaviour),
        1_700 * stage.rounds,
      );
      await backend.behave("right");
      await stage.mend(() => {});
      const bad = new Set(
        backend
          .arrivals()
          .filter((arrival) => arrival.behaviour === behaviour)
          .map(({ id }) => id),
      );
      // An answer that was about to be given when the behaviour changed may be bad though it arrived in the good time.
      const { failures } = stage.workload;
      const cut = failures.filter(({ kind }) => kind === "cut").length;
      stage.check(
        `${bad.size} requests came while it misbehaved, ${cut} ended with a broken connection`,
        cut > 0 && cut >= bad.size / 2,
      );
    },
  };
}

export const answerScenarios: readonly Scenario[] = [
  misbehaving("reset-head", "a backend resets in the middle of the head: no GET fails"),
  misbehaving("silent", "a backend accepts and never answers: no GET fails"),
  misbehaving("garbage", "a backend answers what is no HTTP: no GET fails"),
  breakingOff("cut-body", "a backend resets in the middle of the body: the client sees a broken connection"),
  breakingOff("short-body", "a backend ends in the middle of the body: the client sees a broken connection"),
];
