/** KEDA's side of the scaler, as grpc-js does it. */
import { credentials, makeGenericClientConstructor, type Client, type ServiceError } from "@grpc/grpc-js";
import { eventually } from "@outrigger/core/testing";
import { externalScaler } from "../scaler/external-scaler.ts";

const ScalerService = makeGenericClientConstructor(externalScaler, "ExternalScaler");

type Call = (request: object, callback: (error: ServiceError | null, response: unknown) => void) => void;

/** What a stream has said so far. */
export interface Watched {
  readonly told: boolean[];
  /** Its status, once it has ended: 0 is OK. */
  readonly ended: Promise<number>;
  cancel(): void;
}

export class ScalerClient {
  readonly #client: Client;

  constructor(address: string) {
    // Its own connection: others of this process would share one.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    this.#client = new ScalerService(address, credentials.createInsecure(), options);
  }

  /** The answer, or the status with its words. */
  async call(name: keyof typeof externalScaler, request: object): Promise<unknown> {
    const call = (this.#client as unknown as Record<string, Call>)[name] as Call;
    return new Promise((resolve) => {
      call.call(this.#client, request, (error, response) =>
        resolve(error ? { code: error.code, details: error.details } : response),
      );
    });
  }

  watch(metadata: Record<string, string> = {}): Watched {
    const { path, requestSerialize, responseDeserialize } = externalScaler.StreamIsActive;
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      ref(metadata),
    );
    const told: boolean[] = [];
    stream.on("data", ({ result }: { result: boolean }) => told.push(result));
    stream.on("error", () => {});
    return {
      told,
      ended: new Promise((resolve) => stream.on("status", ({ code }) => resolve(code))),
      cancel: () => stream.cancel(),
    };
  }

  close(): void {
    this.#client.close();
  }
}

export const ref = (scalerMetadata: Record<string, string> = {}) => ({
  name: "workers",
  namespace: "default",
  scalerMetadata,
});

export const hasTold = (watched: Watched, ...expected: boolean[]): Promise<void> =>
  eventually(`it is told ${expected.join()}`, () => watched.told.join() === expected.join());
