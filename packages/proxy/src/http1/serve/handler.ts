/** What a listener answers by itself instead of passing it on: the other side of a pattern that takes requests in. */
import type { ServedRequest } from "./served-request.ts";

export interface Handler {
  /**
   * Whether the request is this handler's; the listener's upstream gets the others. By path and query, as they came. One that
   * asks for an upgrade is asked for, too, and does not get it.
   */
  takes(method: string, target: string): boolean;
  /** Answers it, now or later, once. What it throws is answered 500, and logged. */
  handle(request: ServedRequest): void | Promise<void>;
}
