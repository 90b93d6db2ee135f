/** Where the run shows itself: lines to a stream, or the live screen that gives the terminal back as it was. */
import type { Clock, Timer } from "@outrigger/core";
import { CLEAR_BELOW, CLEAR_LINE, ENTER_SCREEN, HOME, LEAVE_SCREEN } from "./ansi.ts";
import { drawScreen, type Screen } from "./screen.ts";

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const REFRESH = 250;
/** As many log lines as a tall terminal can show. */
const KEPT_LINES = 500;

export class Display {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #kept: string[] = [];
  #draw: (() => Omit<Screen, "log">) | null = null;
  #timer: Timer | null = null;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  line(text: string): void {
    if (!this.#draw) {
      this.#output.write(`${text}\n`);
      return;
    }
    this.#kept.push(text);
    if (this.#kept.length > KEPT_LINES) this.#kept.splice(0, this.#kept.length - KEPT_LINES);
  }

  /** From now on lines are part of the screen. */
  enterScreen(draw: () => Omit<Screen, "log">): void {
    this.#draw = draw;
    this.#output.write(ENTER_SCREEN);
    const refresh = (): void => {
      this.#paint();
      this.#timer = this.#clock.timer(REFRESH, refresh);
    };
    refresh();
  }

  #paint(): void {
    if (!this.#draw) return;
    // A pseudo-terminal whose size nobody has set has 0 of both.
    const { columns, rows } = this.#output;
    const lines = drawScreen({ ...this.#draw(), log: this.#kept }, columns || 80, rows || 24);
    // One write, line by line over the old picture: nothing flickers.
    this.#output.write(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW);
  }

  /** Gives the terminal back; the last lines of the log stay readable on it. Safe to call twice. */
  leaveScreen(keepLines = 10): void {
    if (!this.#draw) return;
    this.#timer?.clear();
    this.#draw = null;
    this.#output.write(
      LEAVE_SCREEN +
        this.#kept
          .slice(-keepLines)
          .map((line) => `${line}\n`)
          .join(""),
    );
  }
}
