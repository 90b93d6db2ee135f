/** Whether the workload can be given jobs: whether it accepts connections, or what a path of it says. */
import { get as httpGet } from "node:http";
import { connect } from "node:net";
const FIRST_LOOK = 100;
const LOOK_EVERY = 1_000;
const PATIENCE = 2_000;
export class Readiness {
    #deps;
    #path;
    #isReady = null;
    #pause = FIRST_LOOK;
    #timer = null;
    #isLooking = false;
    #stopped = new AbortController();
    /** @param path asked each second, and ready where it is answered 2xx or 3xx; null: ready where connections are accepted */
    constructor(path, deps) {
        this.#path = path;
        this.#deps = deps;
    }
    get isReady() {
        return this.#isReady === true;
    }
    /** Resolves after the first look, of which is told as of any. */
    async start() {
        await this.#look();
    }
    /** What it was holds until the next look, which is made now. */
    reload(path) {
        if (path === this.#path)
            return;
        this.#path = path;
        if (this.#isReady !== null && !this.#stopped.signal.aborted)
            this.#lookAfter(0);
    }
    /** It accepted no connection. */
    lost(why) {
        if (this.#isReady !== true || this.#stopped.signal.aborted)
            return;
        this.#become(false, why);
        this.#lookAfter(FIRST_LOOK);
    }
    stop() {
        this.#stopped.abort();
        this.#timer?.clear();
    }
    #become(isReady, why) {
        if (isReady === this.#isReady)
            return;
        this.#isReady = isReady;
        this.#pause = FIRST_LOOK;
        this.#deps.onChange(isReady, why);
    }
    #lookAfter(pause) {
        this.#timer?.clear();
        this.#timer = this.#deps.clock.timer(pause, () => void this.#look());
    }
    async #look() {
        // Whoever looks looks again where the path is another by then.
        if (this.#isLooking)
            return;
        this.#isLooking = true;
        const { signal } = this.#stopped;
        let path;
        let why;
        do {
            path = this.#path;
            why = await this.#deps.look(path, signal);
        } while (path !== this.#path && !signal.aborted);
        this.#isLooking = false;
        if (signal.aborted)
            return;
        this.#become(why === null, why ?? "");
        if (this.#isReady === true) {
            if (path !== null)
                this.#lookAfter(LOOK_EVERY);
            return;
        }
        this.#lookAfter(this.#pause);
        this.#pause = Math.min(2 * this.#pause, LOOK_EVERY);
    }
}
/** @param path null: whether it accepts connections @returns what is wrong; null: nothing */
export const lookAt = (workload, path, signal) => (path === null ? connected(workload, signal) : answered(workload, path, signal));
function connected(workload, signal) {
    return new Promise((resolve) => {
        const socket = connect({ ...workload, signal, timeout: PATIENCE });
        const end = (why) => {
            socket.destroy();
            resolve(why);
        };
        socket.once("connect", () => end(null));
        socket.once("timeout", () => end("it does not accept connections"));
        socket.on("error", (error) => end(said(error)));
    });
}
function answered(workload, path, signal) {
    return new Promise((resolve) => {
        const request = httpGet({ ...workload, path, agent: false, signal }, (answer) => {
            const { statusCode = 0 } = answer;
            answer.destroy();
            resolve(statusCode >= 200 && statusCode < 400 ? null : `GET ${path} is answered ${statusCode}`);
        });
        const limit = setTimeout(() => request.destroy(new Error(`GET ${path} is not answered`)), PATIENCE);
        request.on("error", (error) => resolve(said(error)));
        // A 101 is neither an answer nor an error.
        request.on("close", () => {
            clearTimeout(limit);
            resolve(`GET ${path} ended without an answer`);
        });
    });
}
/** Of a name with several addresses: what the first said. */
const said = (error) => (error instanceof AggregateError ? error.errors[0] : error).message;
//# sourceMappingURL=readiness.js.map