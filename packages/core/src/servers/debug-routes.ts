/** CPU profile and heap snapshot, for the control server of a container started with --debug-endpoints. */
import { Session } from "node:inspector/promises";
import { getHeapSnapshot } from "node:v8";
import type { Clock } from "../time/clock.ts";
import type { ControlRoute } from "./control-server.ts";

export function debugRoutes(clock: Clock): ControlRoute[] {
  let profiling = false;
  return [
    {
      method: "POST",
      path: "/debug/cpuprofile",
      summary: "a .cpuprofile of the next ?seconds=10 (1 to 120)",
      async handle({ query, signal }) {
        const text = query.get("seconds") ?? "10";
        const seconds = Number(text);
        if (!(seconds >= 1 && seconds <= 120)) {
          return {
            status: 400,
            text: `seconds: found ${JSON.stringify(text)}, accepted: a number from 1 to 120\n`,
          };
        }
        if (profiling) return { status: 409, text: "a profile is being taken: wait for it\n" };
        profiling = true;
        const session = new Session();
        try {
          session.connect();
          await session.post("Profiler.enable");
          await session.post("Profiler.start");
          await clock.sleep(seconds * 1000, signal);
          const { profile } = await session.post("Profiler.stop");
          return { text: JSON.stringify(profile), contentType: "application/json" };
        } finally {
          session.disconnect();
          profiling = false;
        }
      },
    },
    {
      method: "POST",
      path: "/debug/heapsnapshot",
      summary:
        "a .heapsnapshot; stops the process while it is taken, and holds whatever secrets memory holds",
      handle: () => ({ stream: getHeapSnapshot(), contentType: "application/json" }),
    },
  ];
}
