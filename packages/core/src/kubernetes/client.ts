/**
 * A small client of the Kubernetes API: get, create, update, patch, list and watch of namespaced objects, over HTTP/1.1.
 *
 * What only reads is repeated after 429, 5xx and failed connections, four times in all, with growing pauses and never before
 * Retry-After. A write is repeated only where the server has said that it was not done: 429 with Retry-After, and 401 (once,
 * with the credentials read again). Of every other write without an answer nobody knows: the caller reads, and decides.
 */
import { OutriggerError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Bytes, Milliseconds } from "../units.ts";
import { Backoff, readRetryAfter } from "./backoff.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listSchema, type KubernetesObject, type Resource } from "./objects.ts";
import { describeTarget, readStatus, statusError, type Target } from "./status-error.ts";
import { readBody, Transport, type Call } from "./transport.ts";
import { parseJson, readEvent, splitLines, type WatchEvent } from "./watch-stream.ts";

export interface KubernetesClientOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Until the whole answer to one attempt is there; of a watch, its head. Default 10 s. */
  readonly timeout?: Milliseconds;
}

/** Which objects of a namespace; both in the API's own syntax. */
export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selection {
  /** Objects a page; 0: all at once. Default 500, as client-go. */
  readonly limit?: number;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** After which the server ends it in order. Default: of 5 to 10 minutes, at random, as client-go. */
  readonly lasts?: Milliseconds;
  /** Without a byte it is ended: the connection may be dead. Default 90 s: bookmarks come once a minute, mostly. */
  readonly silence?: Milliseconds;
  /** The server has taken it. */
  readonly opened?: () => void;
}

export interface ObjectList<Kind> {
  readonly items: readonly Kind[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
}

const TRIES = 4;
const LARGEST_ANSWER: Bytes = 64 * 1024 * 1024;
/** Retry-After beyond this is the caller's to wait for. */
const LONGEST_PAUSE: Milliseconds = 30_000;

export class KubernetesClient {
  readonly #access: ClusterAccess;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #timeout: Milliseconds;

  constructor({ access, clock, random = Math.random, timeout = 10_000 }: KubernetesClientOptions) {
    this.#access = access;
    this.#transport = new Transport(access);
    this.#clock = clock;
    this.#random = random;
    this.#timeout = timeout;
  }

  /** That of the credentials; null: they say none. */
  get namespace(): string | null {
    return this.#access.namespace;
  }

  /** @throws OutriggerError `kubernetes-...`, see status-error.ts; all calls, and the signal's reason when it aborts */
  async get<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Kind> {
    const target: Target = { verb: "get", resource, namespace, name };
    return parse(resource, target, await this.#ask(target, this.#call("GET", target), signal));
  }

  /** @throws OutriggerError `kubernetes-already-exists` */
  async create<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    object: Kind,
    signal: AbortSignal,
  ): Promise<Kind> {
    const target: Target = { verb: "create", resource, namespace, name: null };
    const call = this.#call("POST", target, "application/json", typed(resource, object));
    return parse(resource, target, await this.#ask(target, call, signal));
  }

  /**
   * Replaces the whole object. With metadata.resourceVersion only where that still stands, and with metadata.uid only the same
   * object: keep both as they were read.
   * @throws OutriggerError `kubernetes-conflict`
   */
  async update<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    object: Kind,
    signal: AbortSignal,
  ): Promise<Kind> {
    const target: Target = { verb: "update", resource, namespace, name: object.metadata.name };
    const call = this.#call("PUT", target, "application/json", typed(resource, object));
    return parse(resource, target, await this.#ask(target, call, signal));
  }

  /** A merge patch (RFC 7396): null removes a field, lists are replaced. */
  async patch<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    name: string,
    patch: object,
    signal: AbortSignal,
  ): Promise<Kind> {
    const target: Target = { verb: "patch", resource, namespace, name };
    const call = this.#call("PATCH", target, "application/merge-patch+json", patch);
    return parse(resource, target, await this.#ask(target, call, signal));
  }

  /** All of them, page by page; begun anew, and then in one, when the pages' resourceVersion expires meanwhile (410). */
  async list<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<ObjectList<Kind>> {
    const { limit = 500, ...selection } = options;
    const target: Target = { verb: "list", resource, namespace, name: null };
    const items: Kind[] = [];
    for (let token = ""; ;) {
      const query = {
        ...selection,
        ...(limit > 0 ? { limit: String(limit) } : {}),
        ...(token ? { continue: token } : {}),
      };
      let answer: unknown;
      try {
        answer = await this.#ask(target, { method: "GET", path: path(target, query), body: null }, signal);
      } catch (thrown) {
        if (token === "" || OutriggerError.from(thrown).code !== "kubernetes-gone") throw thrown;
        return await this.list(resource, namespace, { ...selection, limit: 0 }, signal);
      }
      const page = listSchema.safeParse(answer);
      if (!page.success) throw unexpected(target, "the answer is no list");
      for (const item of page.data.items ?? []) items.push(parse(resource, target, item));
      token = page.data.metadata.continue ?? "";
      if (token === "") return { items, resourceVersion: page.data.metadata.resourceVersion };
    }
  }

  /**
   * One watch, as long as it lasts; `watchList` goes on where one has ended. Ends with the server's end, and after a silence:
   * a server promises no bookmarks (kube-apiserver sends none before the first event since its start). Put off by 429, it
   * rejects when Retry-After is over.
   * @throws OutriggerError `kubernetes-gone` where that resourceVersion is too old: list again;
   *   `kubernetes-unavailable` when the connection broke
   */
  async *watch<Kind extends KubernetesObject>(
    resource: Resource<Kind>,
    namespace: string,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<Kind>> {
    const {
      lasts = 300_000 * (1 + this.#random()),
      silence = 90_000,
      opened,
      resourceVersion,
      ...selection
    } = options;
    const target: Target = { verb: "watch", resource, namespace, name: null };
    const query = {
      ...selection,
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion,
      timeoutSeconds: String(Math.max(1, Math.ceil(lasts / 1_000))),
    };
    const { source } = this.#access;
    const silent = new OutriggerError("kubernetes-unavailable", "nothing came, not even a bookmark");
    const head = this.#limited(this.#timeout, signal);
    try {
      const message = await this.#transport.open(
        { method: "GET", path: path(target, query), body: null },
        head.signal,
      );
      if (message.statusCode !== 200) {
        const text = await readBody(message, LARGEST_ANSWER);
        const code = message.statusCode ?? 0;
        if (code === 401) this.#access.refused();
        head.clear();
        const retryAfter = readRetryAfter(message.headers["retry-after"]) ?? 0;
        if (retryAfter > 0) await this.#clock.sleep(Math.min(retryAfter, LONGEST_PAUSE), signal);
        throw statusError(target, code, readStatus(parseJson(text)), text, source);
      }
      opened?.();
      head.limit(silence, silent);
      // Ends the connection, too, when the caller stops listening.
      for await (const line of splitLines(heard(message, head.refresh)))
        yield readEvent(line, target, source, (object) => parse(resource, target, object));
    } catch (thrown) {
      if (head.signal.reason === silent) return;
      throw this.#failure(target, thrown, head.signal, signal);
    } finally {
      head.clear();
    }
  }

  /** Ends the connections that are kept, and what is under way. */
  close(): void {
    this.#transport.close();
  }

  #call(method: Call["method"], target: Target, type?: string, body?: object): Call {
    return {
      method,
      path: path(target, {}),
      body: type === undefined ? null : { type, text: JSON.stringify(body) },
    };
  }

  async #ask(target: Target, call: Call, signal: AbortSignal): Promise<unknown> {
    const backoff = new Backoff(100, 2_000, this.#random);
    const reads = call.method === "GET";
    let refused = false;
    for (let tries = 1; ; tries++) {
      let failure: OutriggerError;
      let pause: Milliseconds | null = null;
      try {
        const { code, text, retryAfter } = await this.#attempt(target, call, signal);
        const body = parseJson(text);
        if (code >= 200 && code < 300) {
          if (body === null)
            throw unexpected(target, `${code}, but the answer is no JSON: ${text.slice(0, 200)}`);
          return body;
        }
        failure = statusError(target, code, readStatus(body), text, this.#access.source);
        if (code === 401 && !refused) {
          this.#access.refused();
          refused = true;
          pause = 0;
        } else if (code === 429 ? reads || retryAfter !== null : reads && code >= 500)
          pause = backoff.next(retryAfter ?? 0);
      } catch (thrown) {
        signal.throwIfAborted();
        failure = OutriggerError.from(thrown);
        if (reads && failure.code === "kubernetes-unavailable") pause = backoff.next();
      }
      if (pause === null || pause > LONGEST_PAUSE || tries === TRIES) throw failure;
      if (pause > 0) await this.#clock.sleep(pause, signal);
    }
  }

  async #attempt(
    target: Target,
    call: Call,
    signal: AbortSignal,
  ): Promise<{ code: number; text: string; retryAfter: Milliseconds | null }> {
    const limited = this.#limited(this.#timeout, signal);
    try {
      const message = await this.#transport.open(call, limited.signal);
      const text = await readBody(message, LARGEST_ANSWER);
      return {
        code: message.statusCode ?? 0,
        text,
        retryAfter: readRetryAfter(message.headers["retry-after"]),
      };
    } catch (thrown) {
      throw this.#failure(target, thrown, limited.signal, signal);
    } finally {
      limited.clear();
    }
  }

  /** What a call without a whole answer rejects with. */
  #failure(target: Target, thrown: unknown, limited: AbortSignal, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    const error = OutriggerError.from(limited.aborted ? limited.reason : thrown);
    if (error.code.startsWith("kubernetes-")) return error;
    const { server, source } = this.#access;
    return new OutriggerError(
      "kubernetes-unavailable",
      `${describeTarget(target)}: no answer from ${server.host} (of ${source}): ${error.message || error.code}`,
      { cause: thrown },
    );
  }

  /** A signal that aborts with the caller's, or after a span without `refresh`. */
  #limited(span: Milliseconds, signal: AbortSignal) {
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const start = (after: Milliseconds, reason: OutriggerError) =>
      this.#clock.timer(after, () => controller.abort(reason));
    let timer = start(span, new OutriggerError("kubernetes-unavailable", `no answer within ${span} ms`));
    return {
      signal: controller.signal,
      refresh: () => timer.refresh(),
      limit: (after: Milliseconds, reason: OutriggerError): void => {
        timer.clear();
        timer = start(after, reason);
      },
      clear: (): void => {
        timer.clear();
        signal.removeEventListener("abort", abort);
      },
    };
  }
}

async function* heard(source: AsyncIterable<Buffer>, told: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    told();
    yield chunk;
  }
}

function path({ resource, namespace, name, verb }: Target, query: Readonly<Record<string, string>>): string {
  const { group, version, plural } = resource;
  const one = name === null || verb === "create" ? "" : `/${encodeURIComponent(name)}`;
  const text = new URLSearchParams(query).toString();
  return `/apis/${group}/${version}/namespaces/${encodeURIComponent(namespace)}/${plural}${one}${text && `?${text}`}`;
}

function typed<Kind extends KubernetesObject>(
  { group, version, kind }: Resource<Kind>,
  object: Kind,
): object {
  return { apiVersion: `${group}/${version}`, kind, ...object };
}

function parse<Kind extends KubernetesObject>(
  resource: Resource<Kind>,
  target: Target,
  value: unknown,
): Kind {
  const parsed = resource.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unexpected(target, `the answer is no ${resource.kind}: ${issue?.path.join(".")}: ${issue?.message}`);
}

const unexpected = (target: Target, message: string): OutriggerError =>
  new OutriggerError("kubernetes-unexpected", `${describeTarget(target)}: ${message}`);
