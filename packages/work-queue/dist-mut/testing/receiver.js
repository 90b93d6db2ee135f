/** Somebody whom webhooks tell. */
import { createServer } from "node:http";
export class Receiver {
    told = [];
    answer = (response) => void response.end();
    #server = createServer((request, response) => {
        let text = "";
        request.on("data", (chunk) => (text += chunk.toString()));
        request.on("end", () => {
            const { method, url, headers } = request;
            const told = { method, path: url, headers, text, body: JSON.parse(text) };
            this.told.push(told);
            this.answer(response, told);
        });
    });
    static async start() {
        const receiver = new Receiver();
        await new Promise((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
        return receiver;
    }
    get url() {
        return `http://127.0.0.1:${this.#server.address().port}/hook?x=1`;
    }
    async end() {
        this.#server.closeAllConnections();
        await new Promise((resolve) => this.#server.close(() => resolve()));
    }
}
//# sourceMappingURL=receiver.js.map