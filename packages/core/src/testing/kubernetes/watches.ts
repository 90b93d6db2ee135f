/** The open watches of the test API server: what each is told, and how a test ends or breaks them. */
import type { ServerResponse } from "node:http";
import type { Change, ObjectStore } from "./object-store.ts";
import type { Stored } from "./stored.ts";
import { Refusal, type Kind } from "./refusal.ts";
import type { Match } from "./selectors.ts";

interface Open {
  readonly response: ServerResponse;
  readonly kind: Kind;
  readonly bookmarks: boolean;
  readonly close: () => void;
}

export class Watches {
  readonly #store: ObjectStore;
  readonly #open = new Set<Open>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  get count(): number {
    return this.#open.size;
  }

  /** @param goneAs how a resourceVersion that is too old is told: both occur */
  serve(
    response: ServerResponse,
    kind: Kind,
    namespace: string,
    query: URLSearchParams,
    matches: Match,
    goneAs: "event" | "status",
  ): void {
    const from = Number(query.get("resourceVersion") || "0");
    let past: readonly Change[];
    try {
      past = from === 0 ? [] : this.#store.since(from);
    } catch (thrown) {
      if (goneAs === "status" || !(thrown instanceof Refusal)) throw thrown;
      begin(response);
      response.end(line("ERROR", thrown.status));
      return;
    }
    begin(response);
    const tell = (change: Change): void => {
      if (change.kind.plural !== kind.plural || change.namespace !== namespace) return;
      const had = change.before !== null && matches(change.before);
      const has = change.after !== null && matches(change.after);
      const version = String(change.revision);
      if (has) response.write(line(had ? "MODIFIED" : "ADDED", typed(kind, change.after)));
      else if (had) response.write(line("DELETED", typed(kind, at(change.before, version))));
    };
    if (from === 0)
      for (const object of this.#store.list(kind, namespace))
        if (matches(object)) response.write(line("ADDED", typed(kind, object)));
    past.forEach(tell);
    const removeListener = this.#store.onChange(tell);
    const seconds = Number(query.get("timeoutSeconds") || "0");
    const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1_000) : undefined;
    timer?.unref();
    const open: Open = {
      response,
      kind,
      bookmarks: query.get("allowWatchBookmarks") === "true",
      close: () => {
        removeListener();
        clearTimeout(timer);
        this.#open.delete(open);
      },
    };
    this.#open.add(open);
    response.once("close", open.close);
  }

  /** Tells those who want it how far all is told. */
  bookmark(): void {
    const resourceVersion = String(this.#store.revision);
    for (const { response, kind, bookmarks } of this.#open)
      if (bookmarks)
        response.write(
          line("BOOKMARK", {
            kind: kind.kind,
            apiVersion: `${kind.group}/${kind.version}`,
            metadata: { resourceVersion, creationTimestamp: null },
          }),
        );
  }

  /** In order, as at timeoutSeconds; nothing is told to them any more. */
  end(): void {
    for (const { response, close } of this.#open) {
      close();
      response.end();
    }
  }

  /** As an API server that dies: in the middle of a line. */
  break(): void {
    for (const { response, close } of this.#open) {
      close();
      response.write('{"type":"ADDED","object":{"kind":', () => response.destroy());
    }
  }

  /** The connections stay, but nothing is told to them any more. */
  silence(): void {
    for (const { close } of this.#open) close();
  }

  /** Sends them anything. */
  write(text: string): void {
    for (const { response } of this.#open) response.write(text);
  }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
}

const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

export const typed = (kind: Kind, object: Stored): Stored => ({
  kind: kind.kind,
  apiVersion: `${kind.group}/${kind.version}`,
  ...object,
});

const at = (object: Stored, resourceVersion: string): Stored => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});
