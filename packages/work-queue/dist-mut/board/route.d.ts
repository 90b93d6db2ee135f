/** Where the board is on the control server. */
import type { ControlRoute } from "@outrigger/core";
import type { Board } from "./board.ts";
export declare const BOARD_PATH = "/board";
export declare const boardRoute: (board: () => Board | null) => ControlRoute;
//# sourceMappingURL=route.d.ts.map