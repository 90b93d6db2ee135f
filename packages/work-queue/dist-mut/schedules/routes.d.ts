/** The schedules on the control server. */
import type { ControlRoute } from "@outrigger/core";
import type { Schedules } from "./schedules.ts";
export declare const scheduleRoute: (schedules: () => Schedules | null) => ControlRoute;
//# sourceMappingURL=routes.d.ts.map