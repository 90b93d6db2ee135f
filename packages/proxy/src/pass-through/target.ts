/** Where a request goes, and what became of it. */
export interface Target {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Come in place of what the request has under these names. */
  readonly setHeaders?: Readonly<Record<string, string>>;
  /** In any case, and with `_` for `-`. */
  readonly removeHeaders?: readonly string[];
  /** Asked once more when there is a connection, right before the first byte goes; default: it is. */
  readonly stillWanted?: () => boolean;
}

export type Outcome =
  /** To the last byte; of an upgrade: after both sides have ended, or the endpoint's refusal was passed on. */
  | { readonly kind: "answered"; readonly status: number }
  /** Not a byte has reached the endpoint, so that it may be sent elsewhere: it could not be reached, or was not wanted there any more. */
  | { readonly kind: "unsent"; readonly reason: Failure; readonly why: string }
  /** It was sent, and then failed: 502 or 504 was answered, or the client was cut in the middle of the answer. */
  | { readonly kind: "failed"; readonly reason: Failure; readonly why: string }
  | { readonly kind: "client-closed" }
  /** By `drain`, `cutTunnels` or `stop`. */
  | { readonly kind: "cut" };

/** Stable, for programs; the value of `x-outrigger-reason`. */
export type Failure =
  "connect-failure" | "connect-timeout" | "withdrawn" | "stalled" | "reset" | "bad-request";
