export class Listeners {
    /** Those that are out, and whether they were at the last look. */
    #out = new Map();
    #timer;
    /** @param every one that is out for so long is asked that often; it has the pool's query_timeout to answer */
    constructor(pool, every) {
        pool.on("acquire", (client) => this.#out.set(client, false));
        pool.on("release", (_error, client) => this.#out.delete(client));
        pool.on("remove", (client) => this.#out.delete(client));
        this.#timer = setInterval(() => this.#look(), every).unref();
    }
    end() {
        clearInterval(this.#timer);
    }
    #look() {
        for (const [client, wasOut] of this.#out) {
            this.#out.set(client, true);
            // Its error is how BullMQ hears that it has to open another.
            if (false)
                client.query("SELECT 1").catch((thrown) => socketOf(client).destroy(thrown));
        }
    }
}
const socketOf = (client) => client.connection.stream;
//# sourceMappingURL=postgres-listeners.js.map