/**
 * An external scaler for KEDA, on gRPC without TLS: how many jobs there are for workers, so that they scale with them, to zero
 * and back. While the backend is away it says UNAVAILABLE, never 0: KEDA leaves the workers as they are then.
 */
import { Server, ServerCredentials, status, } from "@grpc/grpc-js";
import { createServer } from "node:net";
import { formatHostPort, OutriggerError } from "@outrigger/core";
import { ActivityStreams } from "./activity-streams.js";
import { externalScaler, } from "./external-scaler.js";
import { parseScalerMetadata } from "./scaler-metadata.js";
export const METRIC_NAME = "outrigger-queue-jobs";
/** KEDA has one, or a few; each is a descriptor. */
const MOST_CONNECTIONS = 100;
/** KEDA has one of a ScaledObject. */
const MOST_STREAMS = 100;
const SERVER_OPTIONS = {
    "grpc.enable_channelz": 0,
    // More than MOST_STREAMS: short calls find room on a connection that has all the streams.
    "grpc.max_concurrent_streams": 200,
    "grpc.max_receive_message_length": 64 * 1024,
    "grpc-node.max_session_memory": 2,
    // A connection whose other end went without a word, or that asks nothing, is not kept; nor is one that broke the protocol, which
    // Node 20 leaves open.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_connection_idle_ms": 60_000,
};
const REFUSALS = {
    "bad-metadata": status.INVALID_ARGUMENT,
    "backend-away": status.UNAVAILABLE,
    "too-many": status.RESOURCE_EXHAUSTED,
};
export class Scaler {
    #address;
    #deps;
    #streams;
    #calls;
    #sockets = new Set();
    #grpc = new Server(SERVER_OPTIONS);
    #injector;
    #server = null;
    constructor(address, deps) {
        this.#address = address;
        this.#deps = deps;
        this.#streams = new ActivityStreams(() => {
            const toDo = deps.toDo();
            return toDo === null ? null : toDo > 0;
        });
        const calls = deps.metrics.counter("outrigger_queue_scaler_calls_total", "Calls of an autoscaler, by how they were answered", ["outcome"]);
        this.#calls = (outcome) => calls.with({ outcome });
        const streams = deps.metrics
            .gauge("outrigger_queue_scaler_streams", "Autoscalers that are told of each change")
            .with({});
        deps.metrics.beforeExpose(() => (streams.value = this.#streams.count));
        this.#grpc.addService(externalScaler, {
            IsActive: this.#unary((ref) => {
                this.#metadata(ref);
                return { result: this.#toDo() > 0 };
            }),
            GetMetricSpec: this.#unary((ref) => {
                // Also while the backend is away: it is not asked.
                const { targetSize } = this.#metadata(ref);
                return { metricSpecs: [{ metricName: METRIC_NAME, targetSize, targetSizeFloat: targetSize }] };
            }),
            GetMetrics: this.#unary(({ scaledObjectRef, metricName }) => {
                this.#metadata(scaledObjectRef);
                if (metricName !== METRIC_NAME)
                    throw new OutriggerError("bad-metadata", `metricName: accepted: ${METRIC_NAME}`);
                const toDo = this.#toDo();
                return { metricValues: [{ metricName, metricValue: toDo, metricValueFloat: toDo }] };
            }),
            StreamIsActive: (stream) => this.#stream(stream),
        });
        // Our own sockets: they are counted, bounded and cut.
        this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    }
    /** With the real port. */
    get addresses() {
        const bound = this.#server?.address();
        return bound ? [formatHostPort({ host: bound.address, port: bound.port })] : [];
    }
    /** @throws OutriggerError `cannot-listen`, naming the address */
    async start() {
        const { host, port } = this.#address;
        const { log } = this.#deps;
        const server = createServer({ noDelay: true }, (socket) => {
            this.#sockets.add(socket);
            socket.once("close", () => this.#sockets.delete(socket));
            this.#injector.injectConnection(socket);
        });
        server.maxConnections = MOST_CONNECTIONS;
        await new Promise((resolve, reject) => {
            server.once("error", (error) => reject(new OutriggerError("cannot-listen", `the scaler cannot listen on ${formatHostPort({ host, port })}: ${error.message}; choose another port with scaler`, { cause: error })));
            server.listen({ host, port }, resolve);
        });
        server.removeAllListeners("error");
        server.on("error", (error) => log.error({ err: error.message }, "the scaler's listening socket failed"));
        this.#server = server;
    }
    /** There may be another number of jobs now. */
    changed() {
        this.#streams.changed();
    }
    connections() {
        return this.#sockets.size;
    }
    /** Streams that are open. */
    inFlight() {
        return this.#streams.count;
    }
    async stopAccepting() {
        // Its callback waits for the connections.
        this.#server?.close();
        this.#server = null;
    }
    /** Streams end well, connections once nothing is on them. Resolves with how many were cut when the signal aborted. */
    async drain(signal) {
        await this.stopAccepting();
        this.#streams.end();
        this.#injector.destroy();
        let cut = 0;
        const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
        const onCut = () => {
            cut = this.#sockets.size;
            for (const socket of this.#sockets)
                socket.destroy();
        };
        if (signal.aborted)
            onCut();
        else
            signal.addEventListener("abort", onCut, { once: true });
        await Promise.all(closed);
        signal.removeEventListener("abort", onCut);
        this.#grpc.forceShutdown();
        return cut;
    }
    #stream(stream) {
        try {
            this.#metadata(stream.request);
            if (this.#streams.count >= MOST_STREAMS)
                throw new OutriggerError("too-many", `${MOST_STREAMS} autoscalers are told of changes already`);
            this.#calls("streamed").inc();
            this.#streams.add(stream);
        }
        catch (thrown) {
            stream.emit("error", this.#refusal(thrown));
        }
    }
    #unary(answer) {
        return ({ request }, callback) => {
            let response;
            try {
                response = answer(request);
            }
            catch (thrown) {
                callback(this.#refusal(thrown));
                return;
            }
            this.#calls("answered").inc();
            callback(null, response);
        };
    }
    #refusal(thrown) {
        const { code, message } = OutriggerError.from(thrown);
        const known = REFUSALS[code];
        if (known === undefined)
            this.#deps.log.error({ err: thrown }, "the scaler could not answer");
        this.#calls(known === undefined ? "failed" : code).inc();
        return { code: known ?? status.INTERNAL, details: message };
    }
    /** @throws OutriggerError `bad-metadata` */
    #metadata(ref) {
        return parseScalerMetadata(ref?.scalerMetadata ?? {});
    }
    /** @throws OutriggerError `backend-away` */
    #toDo() {
        const toDo = this.#deps.toDo();
        if (toDo !== null)
            return toDo;
        throw new OutriggerError("backend-away", "the queue's backend has not said how many jobs there are");
    }
}
//# sourceMappingURL=scaler.js.map