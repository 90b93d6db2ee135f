/** A way to a server that can be lost: what is open stays open and leads nowhere, and whoever dials anew gets through. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
export class Passage {
    url;
    #server;
    #open;
    #silenced = new Set();
    constructor(url, server, open) {
        this.url = url;
        this.#server = server;
        this.#open = open;
    }
    /** @param url with the server's host and port */
    static async to(url) {
        const { hostname, port } = new URL(url);
        const open = new Set();
        const server = createServer((near) => {
            const far = connect(Number(port), hostname);
            for (const [one, other] of [
                [near, far],
                [far, near],
            ]) {
                open.add(one.setNoDelay());
                one.on("error", () => { });
                one.on("close", () => (open.delete(one), other.destroy()));
                one.pipe(other);
            }
        });
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const here = new URL(url);
        here.port = String(server.address().port);
        return new Passage(String(here), server, open);
    }
    /** Of those that are open nothing more gets through, either way; what is sent into them is taken. */
    silence() {
        for (const socket of this.#open) {
            socket.unpipe();
            socket.resume();
            this.#silenced.add(socket);
        }
        return this.#silenced.size / 2;
    }
    /** Of those that were silenced. */
    get stillOpen() {
        return [...this.#silenced].filter((socket) => !socket.destroyed).length;
    }
    end() {
        this.#server.close();
        for (const socket of this.#open)
            socket.destroy();
    }
}
//# sourceMappingURL=passage.js.map