/**
 * Keeps the objects of a selection as they stand: lists them, then watches from the list's resourceVersion; goes on from the
 * last one told when a watch ends, and lists again when that is too old (410) and after what was not understood. What is known
 * stays known while the API server cannot be reached. A repeated list tells what has changed meanwhile, deletions too.
 */
import { OutriggerError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";
import { Backoff } from "./backoff.ts";
import type { KubernetesClient, Selection } from "./client.ts";
import type { KubernetesObject, Resource } from "./objects.ts";

export interface WatchListEvents<Kind extends KubernetesObject> {
  /** The first list is there (also an empty one), or something is another than before. By name. */
  changed(objects: ReadonlyMap<string, Kind>): void;
  /** Told once for each other message, until it works again. What is known is kept. */
  failed(error: OutriggerError): void;
  /** It works again. */
  recovered?(): void;
}

export interface WatchListDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const LEAST: Milliseconds = 500;
const MOST: Milliseconds = 30_000;
/** A watch that was open for less than this was none: the next waits, as after a failure. */
const LASTING: Milliseconds = 1_000;

export class WatchList<Kind extends KubernetesObject> {
  /** By name; empty until the first list. */
  readonly objects = new Map<string, Kind>();
  readonly #client: KubernetesClient;
  readonly #resource: Resource<Kind>;
  readonly #namespace: string;
  readonly #selection: Selection;
  readonly #events: WatchListEvents<Kind>;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  /** Where a watch goes on; null: to be listed. */
  #version: string | null = null;
  #listed = false;
  /** When the server took the watch; Infinity: it has not. */
  #openedAt: Milliseconds = Infinity;
  #failure: string | null = null;

  constructor(
    client: KubernetesClient,
    resource: Resource<Kind>,
    namespace: string,
    selection: Selection,
    events: WatchListEvents<Kind>,
    { clock, random = Math.random }: WatchListDeps,
  ) {
    this.#client = client;
    this.#resource = resource;
    this.#namespace = namespace;
    this.#selection = selection;
    this.#events = events;
    this.#clock = clock;
    this.#backoff = new Backoff(LEAST, MOST, random);
  }

  /** Why nothing is told at the moment; null: all is well, or there was no answer yet. */
  get failure(): string | null {
    return this.#failure;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Nothing is told afterwards. */
  async stop(): Promise<void> {
    this.#stop.abort(new OutriggerError("aborted", "stopped"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let broken: OutriggerError | null = null;
      try {
        if (this.#version === null) await this.#list(signal);
        await this.#watch(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        broken = OutriggerError.from(thrown);
      }
      const lasted = this.#clock.now() - this.#openedAt >= LASTING;
      this.#openedAt = Infinity;
      if (lasted) this.#backoff.reset();
      // Its end was due, or something on the way cuts what is quiet for long: only the next can tell.
      if (lasted && (broken === null || broken.code === "kubernetes-unavailable")) continue;
      if (broken?.code === "kubernetes-gone") this.#version = null;
      else if (broken !== null) this.#fail(broken);
      await this.#clock.sleep(this.#backoff.next(), signal).catch(() => {});
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(
      this.#resource,
      this.#namespace,
      this.#selection,
      signal,
    );
    signal.throwIfAborted();
    const found = new Map(items.map((object) => [object.metadata.name, object]));
    const same =
      found.size === this.objects.size &&
      items.every(({ metadata }) => {
        const known = this.objects.get(metadata.name);
        return (
          known?.metadata.uid === metadata.uid && known?.metadata.resourceVersion === metadata.resourceVersion
        );
      });
    this.#version = resourceVersion;
    const first = !this.#listed;
    this.#listed = true;
    this.#recover();
    if (same && !first) return;
    this.objects.clear();
    for (const [name, object] of found) this.objects.set(name, object);
    this.#events.changed(this.objects);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const options = {
      ...this.#selection,
      resourceVersion: this.#version as string,
      opened: () => {
        this.#openedAt = this.#clock.now();
        this.#recover();
      },
    };
    for await (const event of this.#client.watch(this.#resource, this.#namespace, options, signal)) {
      if (signal.aborted) return;
      this.#version = event.resourceVersion;
      this.#backoff.reset();
      if (event.type === "BOOKMARK") continue;
      const { name } = event.object.metadata;
      if (event.type === "DELETED") this.objects.delete(name);
      else this.objects.set(name, event.object);
      this.#events.changed(this.objects);
    }
  }

  #fail(error: OutriggerError): void {
    // Of what was not understood nobody knows what it has changed; what was not answered, or put off, has changed nothing.
    if (!["kubernetes-unavailable", "kubernetes-too-many-requests"].includes(error.code))
      this.#version = null;
    if (this.#failure === error.message) return;
    this.#failure = error.message;
    this.#events.failed(error);
  }

  #recover(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#events.recovered?.();
  }
}
