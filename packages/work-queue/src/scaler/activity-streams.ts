/**
 * Who wants to be told when there is something to do, and when no more (StreamIsActive): each at once of what is known, then
 * of each change. Nothing is said while the backend is away: to say `false` would end the workers, and to end the stream would
 * have KEDA wait up to a minute before it asks again, so that whoever comes first would wait for it.
 */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { IsActiveResponse, ScaledObjectRef } from "./external-scaler.ts";

export type ActivityStream = ServerWritableStream<ScaledObjectRef, IsActiveResponse>;

interface Told {
  last: boolean | null;
  /** It has not read what it was told before. */
  isFull: boolean;
}

export class ActivityStreams {
  readonly #isActive: () => boolean | null;
  readonly #streams = new Map<ActivityStream, Told>();

  /** @param isActive null: not known */
  constructor(isActive: () => boolean | null) {
    this.#isActive = isActive;
  }

  get count(): number {
    return this.#streams.size;
  }

  add(stream: ActivityStream): void {
    if (stream.cancelled) return;
    const told: Told = { last: null, isFull: false };
    this.#streams.set(stream, told);
    stream.once("cancelled", () => this.#streams.delete(stream));
    stream.on("error", () => this.#streams.delete(stream));
    stream.on("drain", () => {
      told.isFull = false;
      this.#tell(stream, told);
    });
    this.#tell(stream, told);
  }

  /** It may be otherwise now. */
  changed(): void {
    for (const [stream, told] of this.#streams) this.#tell(stream, told);
  }

  /** All end well: whoever asks again is told by another front. */
  end(): void {
    for (const stream of this.#streams.keys()) stream.end();
    this.#streams.clear();
  }

  #tell(stream: ActivityStream, told: Told): void {
    const result = this.#isActive();
    if (result === null || result === told.last || told.isFull) return;
    told.last = result;
    told.isFull = !stream.write({ result });
  }
}
