/** One call of a webhook. No redirect is followed, and nothing of the answer counts but its status. */
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { OutriggerError, readText } from "@outrigger/core";
import { signature } from "./signature.js";
import { resolveTarget } from "./target.js";
/** @throws OutriggerError `not-told`: why it may not have been told; the signal's reason */
export async function callWebhook(target, id, body, { secretFile, caFile, wallTime }, signal) {
    const notTold = (why, cause) => new OutriggerError("not-told", why, { cause });
    const read = async (file) => {
        try {
            return await readText(file);
        }
        catch (thrown) {
            throw notTold(`${file} cannot be read: ${thrown.message}`, thrown);
        }
    };
    const key = (await read(secretFile)).replace(/\r?\n$/, "");
    if (key === "")
        throw notTold(`${secretFile} is empty: a signature needs a key`);
    const ca = caFile === undefined ? undefined : await read(caFile);
    signal.throwIfAborted();
    const url = new URL(target);
    const message = await new Promise((resolve, reject) => {
        const request = (url.protocol === "https:" ? requestTls : requestPlain)(url, {
            method: "POST",
            agent: false,
            signal,
            lookup: resolveTarget,
            ...(ca !== undefined && { ca }),
            headers: {
                "content-type": "application/json",
                "content-length": Buffer.byteLength(body),
                "user-agent": "outrigger-work-queue",
                "outrigger-job": id,
                "outrigger-signature": signature(key, wallTime(), body),
            },
        });
        request.on("error", (error) => reject(signal.aborted ? signal.reason : notTold(error.message, error)));
        request.once("response", resolve);
        // Node says no more than this where somebody switches protocols unasked.
        request.once("close", () => reject(notTold("the connection ended without an answer")));
        request.end(body);
    });
    message.on("error", () => { });
    message.destroy();
    const status = message.statusCode ?? 0;
    if (status < 200 || status > 299)
        throw notTold(`it answered ${status}`);
}
//# sourceMappingURL=call.js.map