/** A workload that is asked over HTTP: each attempt is its caller's request. */
import { Agent } from "node:http";
import { lookAt } from "./readiness.js";
import { replay, workloadAddress } from "./replay.js";
export class HttpContract {
    #agent = new Agent({ keepAlive: true, scheduling: "lifo" });
    #workload;
    #bodies;
    /** @param workload http://HOST:PORT */
    constructor(workload, bodies) {
        this.#workload = workloadAddress(workload);
        this.#bodies = bodies;
    }
    look(path, signal) {
        return lookAt(this.#workload, path, signal);
    }
    attempt({ id, number, request, maxAnswer, keepBody }, signal) {
        const { deadline } = request;
        return replay(request, [
            ["outrigger-job", id],
            ["outrigger-attempt", String(number)],
            ...(deadline === undefined
                ? []
                : [["outrigger-deadline", new Date(deadline).toISOString()]]),
        ], {
            agent: this.#agent,
            workload: this.#workload,
            maxAnswer,
            readBody: (stored) => this.#bodies.read(stored),
            keepBody,
        }, signal);
    }
    async end() {
        this.#agent.destroy();
    }
}
//# sourceMappingURL=http-contract.js.map