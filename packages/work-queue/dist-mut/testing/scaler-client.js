/** KEDA's side of the scaler, as grpc-js does it. */
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { eventually } from "@outrigger/core/testing";
import { externalScaler } from "../scaler/external-scaler.js";
const ScalerService = makeGenericClientConstructor(externalScaler, "ExternalScaler");
export class ScalerClient {
    #client;
    constructor(address) {
        // Its own connection: others of this process would share one.
        const options = { "grpc.use_local_subchannel_pool": 1 };
        this.#client = new ScalerService(address, credentials.createInsecure(), options);
    }
    /** The answer, or the status with its words. */
    async call(name, request) {
        const call = this.#client[name];
        return new Promise((resolve) => {
            call.call(this.#client, request, (error, response) => resolve(error ? { code: error.code, details: error.details } : response));
        });
    }
    watch(metadata = {}) {
        const { path, requestSerialize, responseDeserialize } = externalScaler.StreamIsActive;
        const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, ref(metadata));
        const told = [];
        stream.on("data", ({ result }) => told.push(result));
        stream.on("error", () => { });
        return {
            told,
            ended: new Promise((resolve) => stream.on("status", ({ code }) => resolve(code))),
            cancel: () => stream.cancel(),
        };
    }
    close() {
        this.#client.close();
    }
}
export const ref = (scalerMetadata = {}) => ({
    name: "workers",
    namespace: "default",
    scalerMetadata,
});
export const hasTold = (watched, ...expected) => eventually(`it is told ${expected.join()}`, () => watched.told.join() === expected.join());
//# sourceMappingURL=scaler-client.js.map