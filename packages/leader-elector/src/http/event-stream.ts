/** `/sse`: each change as a server-sent event (WHATWG HTML, section 9.2), from where the reader left off. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Bytes, Clock, Milliseconds } from "@outrigger/core";
import type { Change } from "../elector/change-log.ts";
import type { Elector } from "../elector/elector.ts";
import type { View } from "../elector/view.ts";
import { changeJson, standingJson } from "./standing-json.ts";

/** So that both sides see a connection that is there no more. */
const HEARTBEAT: Milliseconds = 15_000;
/** A reader that has stopped reading comes again, with the last id that it has. */
const MOST_UNREAD: Bytes = 64 * 1_024;

export interface EventStreamAsked {
  readonly elector: Elector;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
}

/**
 * First what came after `Last-Event-ID` (or `?after=`), where the reader has one; then how it stands now, as an event
 * `standing`; then each change, as an event `change`.
 */
export function eventStream({ elector, query, request, response, clock }: EventStreamAsked): null {
  const { changes } = elector;
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  if (request.method === "HEAD") {
    response.end();
    return null;
  }
  const write = (text: string): void => {
    response.write(text);
    if (response.writableLength > MOST_UNREAD) response.destroy();
  };
  const tell = (change: Change<View>): void =>
    write(`event: change\nid: ${change.id}\ndata: ${changeJson(change)}\n\n`);
  write("retry: 1000\n\n");
  const lastId = request.headers["last-event-id"];
  const after = typeof lastId === "string" ? lastId : query.get("after");
  if (after !== null) for (const change of changes.after(after).changes) tell(change);
  write(`event: standing\nid: ${changes.latest}\ndata: ${standingJson(elector)}\n\n`);
  const removal = changes.onChange(tell);
  let timer = clock.timer(HEARTBEAT, beat, { unref: true });
  function beat(): void {
    write(":\n\n");
    timer = clock.timer(HEARTBEAT, beat, { unref: true });
  }
  // Whoever comes again hears of what has taken its place.
  const end = (): void => void response.end();
  elector.gone.addEventListener("abort", end, { once: true });
  response.once("close", () => {
    removal();
    elector.gone.removeEventListener("abort", end);
    timer.clear();
  });
  return null;
}
