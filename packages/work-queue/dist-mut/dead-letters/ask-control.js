/** Asks the control server of a container in the same pod. */
import { request } from "node:http";
import { OutriggerError, parseHostPort } from "@outrigger/core";
/** A replay of many takes its time, and says nothing until it is done; a server that is stuck says nothing for ever. */
const PATIENCE = 600_000;
/**
 * @returns the answer's body
 * @throws OutriggerError `bad-config`: no such address. `no-control`: nobody answers there. `refused`: it says why
 */
export async function askControl({ control, method, path }) {
    const { status, text } = await new Promise((resolve, reject) => {
        const failed = (why) => reject(new OutriggerError("no-control", `the control server at ${control} cannot be asked (${why}): run this in the pod of the queue, and name its --control if that is another`));
        const outgoing = request({
            ...addressOf(control),
            method,
            path,
            agent: false,
            timeout: PATIENCE,
            headers: { host: "localhost", "x-outrigger-control": "1" },
        }, (incoming) => {
            let text = "";
            incoming.setEncoding("utf8").on("data", (piece) => (text += piece));
            incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
            incoming.on("error", ({ message }) => failed(message));
        });
        outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 10 minutes")));
        outgoing.on("error", ({ message }) => failed(message));
        outgoing.end();
    });
    if (status === 200)
        return text;
    throw new OutriggerError("refused", remedied(status, text.trim()));
}
function remedied(status, said) {
    if (status === 404)
        return `${said}: dlq list shows those that there are`;
    if (status === 503)
        return `${said}: its backend is not reached; see the container's log`;
    if (status === 500)
        return "it failed, for example because its backend is away: see the container's log";
    return said;
}
function addressOf(control) {
    if (control.startsWith("unix:/"))
        return { socketPath: control.slice(5) };
    const address = parseHostPort(control);
    if (address === null || address.port === 0)
        throw new OutriggerError("bad-config", `--control: found ${control}, accepted: PORT, HOST:PORT or unix:/PATH of a control server that is on`);
    return { host: address.host ?? "127.0.0.1", port: address.port };
}
//# sourceMappingURL=ask-control.js.map