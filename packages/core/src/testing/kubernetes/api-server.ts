/**
 * An API server for tests, in this process, on a port of its own: Leases and EndpointSlices over real HTTP, honest about
 * resourceVersion, conflicts, watch, bookmarks, compaction (410), validation and RBAC, with kube-apiserver's words. A test
 * orders its faults.
 */
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { ENDPOINT_SLICES, LEASES } from "../../kubernetes/objects.ts";
import { authenticate, authorize, type User } from "./access-control.ts";
import { ObjectStore } from "./object-store.ts";
import type { Stored } from "./stored.ts";
import { badRequest, expired, Refusal, type Kind } from "./refusal.ts";
import { readSelectors, type Match } from "./selectors.ts";
import { typed, Watches } from "./watches.ts";

export interface ApiServerOptions {
  /** By bearer token. Default: everybody may do everything. */
  readonly users?: Readonly<Record<string, User>>;
  /** HTTPS: `cert` and `key`, and `ca` with `requestCert` for clients' certificates. */
  readonly tls?: https.ServerOptions;
}

export type Fault =
  /** Refused before anything was done. */
  | { readonly kind: "answer"; readonly code: number; readonly retryAfter?: number }
  /** Never answered, never done. */
  | { readonly kind: "hang" }
  /** Done when the promise resolves, and answered. */
  | { readonly kind: "slow"; readonly until: Promise<void> }
  /** Done; the connection is cut before the answer, or after that many of its bytes. */
  | { readonly kind: "lost"; readonly after?: number };

export interface Seen {
  readonly verb: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

const KINDS: readonly Kind[] = [LEASES, ENDPOINT_SLICES];
const PATH = /^\/apis\/([^/]+)\/([^/]+)\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/;
const ANYBODY: User = { name: "system:anonymous" };

export class TestApiServer {
  readonly store = new ObjectStore();
  readonly watches = new Watches(this.store);
  /** All that was asked, in order. */
  readonly requests: Seen[] = [];
  /** How a watch from a compacted resourceVersion is refused. */
  goneAs: "event" | "status" = "event";
  users: Map<string, User> | null;
  readonly #server: http.Server | https.Server;
  readonly #secure: boolean;
  readonly #faults: { fault: Fault; verb: string | null; times: number }[] = [];
  readonly #pages = new Map<string, { revision: number; rest: readonly Stored[] }>();

  private constructor({ users, tls }: ApiServerOptions) {
    this.users = users ? new Map(Object.entries(users)) : null;
    this.#secure = tls !== undefined;
    const handle = (request: http.IncomingMessage, response: http.ServerResponse): void =>
      void this.#handle(request, response).catch(() => response.destroy());
    this.#server = tls ? https.createServer(tls, handle) : http.createServer(handle);
  }

  /** Listens on 127.0.0.1. */
  static async start(options: ApiServerOptions = {}): Promise<TestApiServer> {
    const server = new TestApiServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#secure ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  /** The next requests of that verb (`null`: of any) meet this fault. */
  order(fault: Fault, verb: string | null = null, times = 1): void {
    this.#faults.push({ fault, verb, times });
  }

  /** Those not met yet are taken back. */
  clearFaults(): void {
    this.#faults.length = 0;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response);
    } catch (thrown) {
      const refusal =
        thrown instanceof Refusal
          ? thrown
          : new Refusal(500, "InternalError", `Internal error occurred: ${(thrown as Error).message}`);
      answer(response, refusal.code, refusal.status, refusal.retryAfter);
    }
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://x");
    const [, group, version, namespace = "", plural, named = ""] = PATH.exec(pathname) ?? [];
    const kind = KINDS.find(
      (known) => known.group === group && known.version === version && known.plural === plural,
    );
    if (kind === undefined)
      throw new Refusal(404, "NotFound", "the server could not find the requested resource");
    const name = decodeURIComponent(named);
    const verb = verbOf(request.method ?? "", name, query);
    const { authorization } = request.headers;
    this.requests.push({ verb, plural: kind.plural, namespace, name, query, authorization });
    const fault = this.#nextFault(verb);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "answer") {
      const wait = fault.retryAfter ?? null;
      if (fault.code === 429)
        throw new Refusal(429, "TooManyRequests", "Too many requests, please try again later.", wait);
      throw new Refusal(fault.code, "InternalError", "Internal error occurred: as ordered", wait);
    }
    const user = this.users === null ? ANYBODY : authenticate(this.users, authorization);
    if (fault?.kind === "slow") await fault.until;
    const selected = verb === "list" || verb === "watch" ? readSelectors(query) : null;
    authorize(user, { kind, verb, namespace, name: name || (selected?.name ?? "") });
    if (verb === "watch")
      return this.watches.serve(response, kind, namespace, query, selected?.matches as Match, this.goneAs);
    const [code, body] =
      verb === "list"
        ? [200, this.#list(kind, namespace, query, selected?.matches as Match)]
        : this.#do(verb, kind, namespace, name, Buffer.concat(chunks).toString("utf8"), user);
    if (fault?.kind === "lost") lose(response, code, body, fault.after ?? 0);
    else answer(response, code, body, null);
  }

  #nextFault(verb: string): Fault | null {
    const index = this.#faults.findIndex((entry) => entry.verb === null || entry.verb === verb);
    const found = this.#faults[index];
    if (found === undefined) return null;
    if (--found.times === 0) this.#faults.splice(index, 1);
    return found.fault;
  }

  #do(verb: string, kind: Kind, namespace: string, name: string, text: string, user: User): [number, object] {
    if (verb === "get") return [200, typed(kind, this.store.get(kind, namespace, name))];
    const body = readJson(text);
    if (verb === "patch") {
      const old = this.store.get(kind, namespace, name);
      const patched = merge(old, body) as Stored;
      return [200, typed(kind, this.store.update(kind, namespace, patched))];
    }
    const object = checkIdentity(kind, namespace, verb === "create" ? null : name, body);
    if (verb === "create") return [201, typed(kind, this.store.create(kind, namespace, object))];
    const creates = this.store.find(kind, namespace, name) === null;
    // Of a PUT the name is known, so that resourceNames count for its creation, too.
    if (creates && kind.kind === "Lease") authorize(user, { kind, verb: "create", namespace, name });
    return [creates ? 201 : 200, typed(kind, this.store.update(kind, namespace, object))];
  }

  #list(kind: Kind, namespace: string, query: URLSearchParams, matches: Match): object {
    const limit = Number(query.get("limit") || "0");
    const token = query.get("continue") ?? "";
    const page = token === "" ? null : this.#pages.get(token);
    if (page === undefined || (page !== null && page.revision < this.store.compacted))
      throw expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    const { revision, rest } = page ?? {
      revision: this.store.revision,
      rest: this.store.list(kind, namespace).filter(matches),
    };
    const items = limit > 0 ? rest.slice(0, limit) : rest;
    const left = rest.slice(items.length);
    const metadata: Record<string, unknown> = { resourceVersion: String(revision) };
    if (left.length > 0) {
      metadata["continue"] = Buffer.from(`${revision}/${left[0]?.metadata.name}`).toString("base64url");
      metadata["remainingItemCount"] = left.length;
      this.#pages.set(metadata["continue"] as string, { revision, rest: left });
    }
    return { kind: `${kind.kind}List`, apiVersion: `${kind.group}/${kind.version}`, metadata, items };
  }
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  if (method === "GET" && name === "") return /^(1|true)$/.test(query.get("watch") ?? "") ? "watch" : "list";
  const verb = { GET: "get", POST: "create", PUT: "update", PATCH: "patch" }[method];
  if (verb === undefined || (name === "") !== (verb === "create"))
    throw new Refusal(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    );
  return verb;
}

function readJson(text: string): Stored {
  try {
    const value = JSON.parse(text) as Stored | null;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Refused below.
  }
  throw badRequest(`the object provided is unrecognized (must be of type object): ${text.slice(0, 80)}`);
}

function checkIdentity(kind: Kind, namespace: string, name: string | null, object: Stored): Stored {
  const apiVersion = `${kind.group}/${kind.version}`;
  if ((object["kind"] ?? kind.kind) !== kind.kind || (object["apiVersion"] ?? apiVersion) !== apiVersion)
    throw badRequest(
      `the API version in the data (${String(object["apiVersion"])}) does not match the expected API version (${apiVersion})`,
    );
  const metadata = (object.metadata as Partial<Stored["metadata"]> | undefined) ?? {};
  if ((metadata.namespace ?? namespace) !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (name !== null && (metadata.name ?? "") !== name)
    throw badRequest(
      `the name of the object (${metadata.name ?? ""}) does not match the name on the URL (${name})`,
    );
  const { kind: _kind, apiVersion: _version, ...fields } = object;
  return { ...fields, metadata: { ...metadata, name: metadata.name ?? "" } };
}

/** RFC 7396 */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const plain = typeof target === "object" && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = plain ? { ...target } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  return result;
}

function answer(response: http.ServerResponse, code: number, body: object, retryAfter: number | null): void {
  const headers: http.OutgoingHttpHeaders = { "content-type": "application/json" };
  if (retryAfter !== null) headers["retry-after"] = String(retryAfter);
  response.writeHead(code, headers).end(JSON.stringify(body));
}

function lose(response: http.ServerResponse, code: number, body: object, after: number): void {
  if (after === 0) return void response.destroy();
  const text = JSON.stringify(body);
  response.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.write(text.slice(0, after), () => response.destroy());
}
