export class ActivityStreams {
    #isActive;
    #streams = new Map();
    /** @param isActive null: not known */
    constructor(isActive) {
        this.#isActive = isActive;
    }
    get count() {
        return this.#streams.size;
    }
    add(stream) {
        if (stream.cancelled)
            return;
        const told = { last: null, isFull: false };
        this.#streams.set(stream, told);
        stream.once("cancelled", () => this.#streams.delete(stream));
        stream.on("error", () => this.#streams.delete(stream));
        stream.on("drain", () => {
            told.isFull = false;
            this.#tell(stream, told);
        });
        this.#tell(stream, told);
    }
    /** It may be otherwise now. */
    changed() {
        for (const [stream, told] of this.#streams)
            this.#tell(stream, told);
    }
    /** All end well: whoever asks again is told by another front. */
    end() {
        for (const stream of this.#streams.keys())
            stream.end();
        this.#streams.clear();
    }
    #tell(stream, told) {
        const result = this.#isActive();
        if (result === null || result === told.last || told.isFull)
            return;
        told.last = result;
        told.isFull = !stream.write({ result });
    }
}
//# sourceMappingURL=activity-streams.js.map