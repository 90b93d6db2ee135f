/** Bodies that are too large to travel with their job: written and read in pieces, never whole in memory. */
import { OutriggerError } from "@outrigger/core";
/** The largest body that travels with its job. */
export const INLINE_BYTES = 64 * 1024;
export const jobOf = (id) => id.split("-", 1)[0];
/** A step of keeping one. What its pieces threw is told as it is: it is their reader's to tell. */
export const keeping = (step) => step.catch((thrown) => {
    throw new OutriggerError("blob-not-kept", `the body could not be kept: ${thrown.message}`, {
        cause: thrown,
    });
});
export const noSuchBlob = (id) => new OutriggerError("no-such-blob", `the body ${id} is not there any more`);
export const notRead = (thrown) => new OutriggerError("blob-not-read", `the body could not be read: ${thrown.message}`, {
    cause: thrown,
});
/**
 * What was written of it goes first; but a store that failed would keep whoever waits for as long again.
 * @throws what was thrown
 */
export async function undone(thrown, removal) {
    const removed = removal.catch(() => { });
    if (OutriggerError.from(thrown).code !== "blob-not-kept")
        await removed;
    throw thrown;
}
//# sourceMappingURL=blob-store.js.map