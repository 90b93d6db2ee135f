/** One request's wait for a workload that refuses connections: `hold` at most, from the first refusal on. */
import { Deadline, type Milliseconds } from "@outrigger/core";
import type { Settings, WaitingExchange } from "./settings.ts";
import type { AttemptFailure } from "./upstream-connection.ts";

export class Hold {
  /** What is waited for. */
  endpointKey = "";
  #begun = false;
  readonly #deadline: Deadline<WaitingExchange>;

  constructor(exchange: WaitingExchange) {
    this.#deadline = new Deadline(exchange);
  }

  /** Another request takes this place. */
  reset(): void {
    this.#begun = false;
  }

  /** Whether a request whose attempt failed like this, before a byte was sent, is held instead of tried elsewhere. */
  isFor(failure: AttemptFailure, settings: Settings): boolean {
    return settings.options.hold > 0 && (failure === "connect-failure" || failure === "connect-timeout");
  }

  /** It waits in the line; the first time its span begins. */
  wait(endpointKey: string, settings: Settings, now: Milliseconds): void {
    if (this.#begun) return;
    this.#begun = true;
    this.endpointKey = endpointKey;
    settings.holds.arm(this.#deadline, now);
  }

  /** The request was sent, or is over. */
  end(settings: Settings): void {
    if (this.#begun) settings.holds.disarm(this.#deadline);
  }
}
