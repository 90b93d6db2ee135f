/** The control server: what acts or tells secrets of structure, for this pod only. */

export interface ControlRequest {
  readonly query: URLSearchParams;
  readonly body: string;
  /** Aborts when the caller leaves or the server stops. */
  readonly signal: AbortSignal;
}

/** `json` is written indented; `stream` is for what is large, such as a heap snapshot. */
export type ControlReply =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string; readonly contentType?: string }
  | { readonly status?: number; readonly stream: NodeJS.ReadableStream; readonly contentType: string };

export interface ControlRoute {
  /** GET for what only tells, POST for whatever acts. */
  readonly method: "GET" | "POST";
  /** `/explain` */
  readonly path: string;
  readonly summary: string;
  handle(request: ControlRequest): ControlReply | Promise<ControlReply>;
}
