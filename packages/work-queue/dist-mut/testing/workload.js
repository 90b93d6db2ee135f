/** A workload that says what it was sent. */
import { createServer } from "node:http";
export class Workload {
    seen = [];
    behave = (_seen, response) => void response.end("ok");
    #server = createServer((request, response) => {
        const pieces = [];
        request.on("data", (piece) => pieces.push(piece));
        request.on("end", () => {
            const seen = {
                method: request.method,
                target: request.url,
                raw: request.rawHeaders,
                headers: request.headers,
                body: Buffer.concat(pieces),
            };
            this.seen.push(seen);
            this.behave(seen, response);
        });
    });
    static async start(port = 0) {
        const workload = new Workload();
        await new Promise((resolve) => workload.#server.listen(port, "127.0.0.1", () => resolve()));
        return workload;
    }
    get url() {
        return `http://127.0.0.1:${this.#server.address().port}`;
    }
    async end() {
        this.#server.closeAllConnections();
        await new Promise((resolve) => this.#server.close(() => resolve()));
    }
}
//# sourceMappingURL=workload.js.map