/**
 * A workload that reads files: a program in a loop that takes its input from in/ and puts what it has made of it into out/, or
 * what went wrong into failed/, before it takes the input away. No more is asked of it.
 *
 * What is seen in the folders is all that is known of a job, so that a worker that ends at any point is followed by one that
 * goes on from there:
 *   in/NAME            the program has it, or will have it
 *   in/.NAME.part      it has it not, or not any more: what out/ and failed/ have of the job is not to be trusted
 *   neither, out/ID    done
 *   neither, failed/ID failed
 */
import { OutriggerError } from "@outrigger/core";
import { isBlob, readBody } from "../job/body.js";
import { Departures } from "./departures.js";
import { FileSweep } from "./file-sweep.js";
import { inputName } from "./job-names.js";
import { mediaType } from "./media-type.js";
/** Of what the program says of a failure. */
const FAILURE_BYTES = 64 * 1024;
/** Where an input could not be written, its place in the worker is kept for so long: others would not fare better. */
const NO_ROOM = 1_000;
const NAMED = 5;
export class FileContract {
    #files;
    #deps;
    #departures;
    #sweep;
    /** How many attempts of a job are under way here: two where one was held to have ended. */
    #current = new Map();
    #removals = new Set();
    constructor(files, deps) {
        this.#files = files;
        this.#deps = deps;
        this.#departures = new Departures(`${files.folder}/in`, deps.clock);
        this.#sweep = new FileSweep(files, { ...deps, isCurrent: (id) => this.#current.has(id) });
        this.#sweep.start();
    }
    async look() {
        try {
            await this.#files.usable();
            return null;
        }
        catch (thrown) {
            return thrown.message;
        }
    }
    async attempt(attempt, signal) {
        const { id, request } = attempt;
        signal.throwIfAborted();
        const name = inputName(id, request.target);
        this.#current.set(id, (this.#current.get(id) ?? 0) + 1);
        try {
            await this.#give(name, id, request, signal);
            await this.#departures.gone(name, signal);
            return await this.#result(attempt, name, signal);
        }
        catch (thrown) {
            if (signal.aborted)
                await this.#withdraw(id, name, signal);
            signal.throwIfAborted();
            const { code } = thrown;
            if (thrown instanceof OutriggerError || code === undefined)
                throw thrown;
            throw new OutriggerError("workload-away", `${this.#files.folder}: ${thrown.message}`, {
                cause: thrown,
            });
        }
        finally {
            const others = this.#current.get(id) - 1;
            if (others === 0)
                this.#current.delete(id);
            else
                this.#current.set(id, others);
        }
    }
    ended(id) {
        const removal = this.#files
            .remove(id)
            // What is left of it is swept later.
            .catch((thrown) => this.#deps.log.warn({ job: id, err: thrown.message }, "a job's files stay"))
            .finally(() => this.#removals.delete(removal));
        this.#removals.add(removal);
    }
    async end() {
        this.#sweep.stop();
        await Promise.all(this.#removals);
    }
    /** A worker that ended may have given it already. */
    async #give(name, id, request, signal) {
        const { bodies, clock } = this.#deps;
        if (await this.#files.isGiven(name))
            return;
        if (await this.#files.isWithdrawn(name))
            await this.#files.removeResults(id);
        else if (await this.#hasResult(id))
            return;
        const { body } = request;
        const length = isBlob(body) ? body.bytes : readBody(body).length;
        try {
            await this.#files.give(name, whole(bodies.read(body), length, signal));
        }
        catch (thrown) {
            if (OutriggerError.from(thrown).code === "input-not-written")
                await clock.sleep(NO_ROOM, signal).catch(() => { });
            throw thrown;
        }
    }
    async #hasResult(id) {
        for (const folder of ["out", "failed"])
            if ((await this.#files.of(folder, id)).length > 0)
                return true;
        return false;
    }
    async #result({ id, isLast, keepBody }, input, signal) {
        const files = this.#files;
        // All three are read: one that is not there says nothing of the job.
        if ((await files.of("in", id)).includes(input))
            throw new OutriggerError("no-output", "its input is back");
        const failures = await files.of("failed", id);
        const outputs = await files.of("out", id);
        const [failure] = failures;
        if (failure !== undefined) {
            const body = await files.read("failed", failure, FAILURE_BYTES, (pieces) => keepBody(500, until(pieces, signal)));
            // Before another attempt, which would find it.
            if (!isLast)
                await files.removeResults(id);
            return { status: 500, fields: fieldsOf(failure), body: body ?? "" };
        }
        const [output] = outputs;
        if (output === undefined)
            throw new OutriggerError("no-output", "the input is gone, and out/ has nothing of it");
        if (outputs.length > 1)
            throw badOutput(`out/ has ${named(outputs)}: one file is an answer`);
        const body = await files
            .read("out", output, Infinity, (pieces) => keepBody(200, until(pieces, signal)))
            .catch((thrown) => {
            if (thrown.code === "EACCES")
                throw badOutput(`out/${output} is not for this user to read`, thrown);
            throw thrown;
        });
        if (body === null)
            throw badOutput(`out/${output} is no regular file`);
        return { status: 200, fields: fieldsOf(output), body };
    }
    /** Of a worker that ends it stays: the next one goes on with it. */
    async #withdraw(id, name, signal) {
        if (OutriggerError.from(signal.reason).code === "worker-ends" || this.#current.get(id) !== 1)
            return;
        await this.#files.withdraw(name).catch((thrown) => {
            this.#deps.log.warn({ job: id, err: thrown.message }, "the program may still begin a job that was ended");
        });
    }
}
const badOutput = (message, cause) => new OutriggerError("bad-output", message, { cause });
const named = (names) => `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ""}`;
/** What a program named may have any characters. */
const fieldsOf = (name) => [
    ["content-type", mediaType(name)],
    ["content-disposition", `attachment; filename="${name.replace(/[^\w.-]/g, "_")}"`],
];
async function* until(pieces, signal) {
    for await (const piece of pieces) {
        signal.throwIfAborted();
        yield piece;
    }
}
/** @throws OutriggerError `no-such-blob` where there is less; the signal's reason */
async function* whole(pieces, length, signal) {
    let bytes = 0;
    for await (const piece of until(pieces, signal)) {
        bytes += piece.length;
        yield piece;
    }
    if (bytes < length)
        throw new OutriggerError("no-such-blob", `the body has ${bytes} bytes of ${length}`);
}
//# sourceMappingURL=file-contract.js.map