/** Gives a stored request to the workload, and takes its answer whole. */
import { request as httpRequest } from "node:http";
import { pipeline } from "node:stream/promises";
import { OutriggerError } from "@outrigger/core";
import { INLINE_BYTES } from "../blobs/blob-store.js";
import { isBlob, readBody, storeBody } from "../job/body.js";
import { answerFields } from "../job/fields.js";
export function workloadAddress(url) {
    const { hostname, port, host: authority } = new URL(url);
    // Of an IPv6 address: without its brackets.
    return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), authority };
}
/**
 * @param added fields of ours
 * @throws OutriggerError `workload-away`: nothing was sent; `no-answer`, `answer-too-large`; what readBody and keepBody throw; the signal's reason
 */
export async function replay(request, added, deps, signal) {
    signal.throwIfAborted();
    try {
        return await ask(request, added, deps, signal);
    }
    catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof OutriggerError)
            throw thrown;
        const { host, port } = deps.workload;
        // A name with several addresses: of each.
        const [cause = thrown] = thrown instanceof AggregateError ? thrown.errors : [];
        const { syscall, message } = cause;
        const wasMade = syscall !== "connect" && syscall !== "getaddrinfo";
        throw new OutriggerError(wasMade ? "no-answer" : "workload-away", `no whole answer from ${host}:${port}: ${message}`, {
            cause: thrown,
        });
    }
}
/** With listeners where node:http has a signal and an iterator: those cost a job a tenth of its CPU. */
function ask({ method, target, fields, body: stored }, added, { agent, workload, maxAnswer, readBody: readBlob, keepBody }, signal) {
    // A text is one write with the head.
    const body = typeof stored === "string" || isBlob(stored) ? stored : readBody(stored);
    const length = typeof body === "object" && "blob" in body ? body.bytes : Buffer.byteLength(body);
    // In node:http's form of pairs nothing is added or folded.
    const headers = [];
    // A schedule's has none: whoever makes it need not know who does it.
    if (!fields.some(([name]) => name === "host"))
        headers.push("host", workload.authority);
    for (const [name, value] of fields)
        headers.push(name, value);
    for (const [name, value] of added)
        headers.push(name, value);
    if (length > 0 || !/^(GET|HEAD|DELETE|OPTIONS)$/.test(method))
        headers.push("content-length", String(length));
    return new Promise((resolve, reject) => {
        const { host, port } = workload;
        const outgoing = httpRequest({
            ...{ host, port, method, path: target, agent, setHost: false },
            headers: headers,
        });
        const onAbort = () => end(signal.reason);
        const end = (thrown) => {
            signal.removeEventListener("abort", onAbort);
            outgoing.destroy();
            reject(thrown);
        };
        signal.addEventListener("abort", onAbort);
        let answer = null;
        outgoing.on("error", end);
        // Nothing else is said of an answer 101, which ends the connection.
        outgoing.on("close", () => {
            if (answer === null)
                end(new Error("the connection ended without an answer"));
        });
        outgoing.on("response", (message) => {
            answer = message;
            const status = message.statusCode;
            if (status < 200 || status > 599)
                return end(new Error(`the status ${status} is not that of an answer`));
            const finish = (kept) => {
                signal.removeEventListener("abort", onAbort);
                // It did not want to read all of the request.
                if (!outgoing.writableFinished)
                    outgoing.destroy();
                resolve({ status, fields: answerFields(message.rawHeaders), body: kept });
            };
            const pieces = [];
            let got = 0;
            const onData = (piece) => {
                got += piece.length;
                pieces.push(piece);
                if (got > maxAnswer)
                    end(new OutriggerError("answer-too-large", `the answer has more than ${maxAnswer} bytes (maxAnswer)`));
                else if (got > INLINE_BYTES) {
                    message.off("data", onData).off("end", onEnd).pause();
                    keepBody(status, followed(pieces, message)).then(finish, end);
                }
            };
            const onEnd = () => finish(storeBody(Buffer.concat(pieces)));
            message.on("data", onData).on("end", onEnd).on("error", end);
        });
        if (typeof body === "object" && "blob" in body)
            pipeline(telling(readBlob(body), body.bytes, end), outgoing).catch(end);
        else
            outgoing.end(body);
    });
}
/** What is wrong with the body is told before the connection that it ends is. */
async function* telling(pieces, length, failed) {
    try {
        let sent = 0;
        for await (const piece of pieces) {
            sent += piece.length;
            yield piece;
        }
        // The workload would wait for the rest.
        if (sent < length)
            throw new OutriggerError("no-such-blob", `the body has ${sent} bytes of ${length}`);
    }
    catch (thrown) {
        failed(thrown);
        throw thrown;
    }
}
async function* followed(pieces, rest) {
    yield* pieces;
    yield* rest;
}
//# sourceMappingURL=replay.js.map