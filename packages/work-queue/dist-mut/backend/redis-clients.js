import { Redis } from "ioredis";
export class RedisClients {
    #clients = new Set();
    #login;
    #ended = false;
    /** @param login asked before each further connection, for a password that was rotated; null: it cannot be */
    constructor(login) {
        this.#login = login;
    }
    /** @param memory past-memory: its scripts write also where memory is full; from Redis 7 on, others know no such script */
    open(options, memory = "within-memory") {
        // No farewell: a Redis that does not answer would not answer that either.
        const client = new Redis({ ...options, replyMapping: "legacy", disconnectTimeout: 0 });
        this.#clients.add(client);
        // Whoever uses one hears of errors from it; between closing and its end nobody does.
        client.on("error", () => { });
        client.duplicate = (override) => this.open({ ...client.options, ...override }, memory);
        const connect = client.connect.bind(client);
        client.connect = async () => {
            const before = client.status;
            // Where it cannot be read now the old one is tried: who throws here is not asked to connect again.
            if (this.#login !== null)
                Object.assign(client.options, await this.#login().catch(() => null));
            // BullMQ ends one that went silent, and dials again; one that was ended meanwhile stays so.
            const wasEnded = before !== "end" && client.status === "end";
            if (this.#ended || wasEnded)
                throw new Error("Connection is closed.");
            return connect();
        };
        const disconnect = client.disconnect.bind(client);
        client.disconnect = (reconnect = false) => {
            // A dial that is given up ends, and says so.
            if (!reconnect && client.status === "reconnecting")
                connect().catch(() => { });
            disconnect(reconnect);
        };
        if (memory === "past-memory")
            writePastMemory(client);
        gatherWrites(client);
        return client;
    }
    end() {
        this.#ended = true;
        for (const client of this.#clients)
            client.disconnect();
    }
}
/** What is asked for in one turn of the event loop is one write: jobs come, and end, several in a turn. */
function gatherWrites(client) {
    const send = client.sendCommand.bind(client);
    let isGathering = false;
    client.sendCommand = (command, stream) => {
        const socket = client.stream;
        if (socket !== undefined && !isGathering) {
            isGathering = true;
            socket.cork();
            setImmediate(() => {
                isGathering = false;
                socket.uncork();
            });
        }
        return send(command, stream);
    };
}
/** A job that ends makes room, and one that cannot even be begun keeps it for ever. */
function writePastMemory(client) {
    const define = client.defineCommand.bind(client);
    client.defineCommand = (name, definition) => define(name, { ...definition, lua: `#!lua flags=allow-oom\n${definition.lua}` });
}
//# sourceMappingURL=redis-clients.js.map