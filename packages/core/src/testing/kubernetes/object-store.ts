/**
 * etcd behind an API server, as far as clients see it: one revision for all objects, compare-and-set by resourceVersion, a
 * history that watches begin in and that is compacted. An update that changes nothing is none: no revision, no event.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { alreadyExists, conflict, expired, invalid, notFound, type Kind } from "./refusal.ts";
import type { Stored } from "./stored.ts";
import { decode, validate } from "./validation.ts";

export interface Change {
  readonly kind: Kind;
  readonly namespace: string;
  readonly revision: number;
  readonly before: Stored | null;
  /** null: it was deleted. */
  readonly after: Stored | null;
}

export class ObjectStore {
  /** Of the last change of any object. */
  revision = 1_000;
  /** Changes up to here are forgotten. */
  compacted = 1_000;
  readonly #objects = new Map<string, Stored>();
  #history: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();

  get(kind: Kind, namespace: string, name: string): Stored {
    const found = this.find(kind, namespace, name);
    if (found === null) throw notFound(kind, name);
    return found;
  }

  find(kind: Kind, namespace: string, name: string): Stored | null {
    return this.#objects.get(key(kind, namespace, name)) ?? null;
  }

  /** By name, as etcd orders keys. */
  list(kind: Kind, namespace: string): Stored[] {
    const prefix = key(kind, namespace, "");
    return [...this.#objects.entries()]
      .filter(([at]) => at.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, object]) => object);
  }

  create(kind: Kind, namespace: string, object: Stored): Stored {
    const { name } = object.metadata;
    decode(kind, object);
    if (object.metadata.resourceVersion)
      throw new Error("resourceVersion should not be set on objects to be created");
    validate(kind, object, null);
    if (this.find(kind, namespace, name) !== null) throw alreadyExists(kind, name);
    return this.#put(kind, namespace, name, null, {
      ...object,
      metadata: {
        ...object.metadata,
        namespace,
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
      },
    });
  }

  /**
   * PUT. A Lease needs a resourceVersion, and is created where there is none (AllowUnconditionalUpdate, AllowCreateOnUpdate of
   * its strategy); an EndpointSlice without one overwrites what stands.
   */
  update(kind: Kind, namespace: string, object: Stored): Stored {
    const { name, uid, resourceVersion } = object.metadata;
    decode(kind, object);
    const old = this.find(kind, namespace, name);
    if (old === null && kind.kind !== "Lease") throw notFound(kind, name);
    if (uid && uid !== old?.metadata.uid)
      throw conflict(
        kind,
        name,
        `StorageError: invalid object, Code: 4, Key: /registry/${kind.plural}/${namespace}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old?.metadata.uid ?? ""}`,
      );
    if (old === null) {
      const { resourceVersion: _, ...metadata } = object.metadata;
      return this.create(kind, namespace, { ...object, metadata });
    }
    if (!resourceVersion && kind.kind === "Lease")
      throw invalid(`${kind.plural}.${kind.group}`, name, [
        "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update",
      ]);
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflict(kind, name);
    validate(kind, object, old);
    return this.#put(kind, namespace, name, old, {
      ...object,
      metadata: { ...object.metadata, ...identity(old) },
    });
  }

  remove(kind: Kind, namespace: string, name: string): void {
    const before = this.get(kind, namespace, name);
    this.#objects.delete(key(kind, namespace, name));
    this.#record({ kind, namespace, revision: ++this.revision, before, after: null });
  }

  /** @throws Refusal 410 */
  since(revision: number): readonly Change[] {
    if (revision < this.compacted) throw expired(`too old resource version: ${revision} (${this.compacted})`);
    return this.#history.filter((change) => change.revision > revision);
  }

  compact(): void {
    this.compacted = this.revision;
    this.#history = [];
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #put(kind: Kind, namespace: string, name: string, before: Stored | null, object: Stored): Stored {
    const at = key(kind, namespace, name);
    const unversioned = (of: Stored): object => ({
      ...of,
      metadata: { ...of.metadata, resourceVersion: "" },
    });
    if (before !== null && isDeepStrictEqual(unversioned(before), unversioned(object))) return before;
    const revision = ++this.revision;
    const after: Stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    };
    this.#objects.set(at, after);
    this.#record({ kind, namespace, revision, before, after });
    return after;
  }

  #record(change: Change): void {
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

/** What a writer cannot change. */
function identity({ metadata }: Stored): Partial<Stored["metadata"]> {
  const { name, namespace, uid, creationTimestamp } = metadata;
  return JSON.parse(JSON.stringify({ name, namespace, uid, creationTimestamp })) as Partial<
    Stored["metadata"]
  >;
}

const key = ({ group, plural }: Kind, namespace: string, name: string): string =>
  `${group}/${plural}/${namespace}/${name}`;
