/** Between looks without an event. */
const LOOK = 5_000;
/** While events may not be heard yet: the first look, then doubled. */
const FIRST_LOOK = 25;
/** Of a job's life. */
const CHANGES = ["waiting", "active", "delayed", "removed", "completed", "failed"];
export class JobWatches {
    #deps;
    /** By the job; several may watch one. */
    #watches = new Map();
    #letsGo = false;
    /** -Infinity: nobody has watched yet. */
    #hearsSince = -Infinity;
    constructor(deps) {
        this.#deps = deps;
    }
    /** All are woken, and for whoever comes it is over: another front is to be asked. */
    letGo() {
        this.#letsGo = true;
        for (const watches of this.#watches.values())
            for (const watch of watches)
                watch.wake();
    }
    /** That are watched. */
    get jobs() {
        return this.#watches.size;
    }
    /** Until `end` of it is called. */
    watch(id, caller) {
        const { clock } = this.#deps;
        this.#hear();
        const watches = this.#watches.get(id) ?? new Set();
        const watch = new JobWatch(clock, 
        // Told to the backend, but not when it does: what changes meanwhile is seen by a look.
        clock.now() - this.#hearsSince < LOOK ? FIRST_LOOK : LOOK, () => this.#letsGo, () => {
            watches.delete(watch);
            if (watches.size === 0)
                this.#watches.delete(id);
        });
        this.#watches.set(id, watches.add(watch));
        caller.onLeft(() => watch.leave());
        return watch;
    }
    #hear() {
        if (this.#hearsSince > -Infinity || this.#letsGo)
            return;
        const events = this.#deps.openEvents();
        this.#hearsSince = this.#deps.clock.now();
        const wake = ({ jobId }) => {
            for (const watch of this.#watches.get(jobId) ?? [])
                watch.wake();
        };
        for (const change of CHANGES)
            events.on(change, wake);
    }
}
export class JobWatch {
    #clock;
    #letsGo;
    /** No longer watched. */
    end;
    #look;
    #hasLeft = false;
    #isWoken = false;
    #goOn = () => { };
    constructor(clock, firstLook, letsGo, end) {
        this.#clock = clock;
        this.#look = firstLook;
        this.#letsGo = letsGo;
        this.end = end;
    }
    get hasLeft() {
        return this.#hasLeft;
    }
    /** Nobody is to be told any longer: the caller has left, or all were let go. */
    get isOver() {
        return this.#hasLeft || this.#letsGo();
    }
    wake() {
        this.#isWoken = true;
        this.#goOn();
    }
    leave() {
        this.#hasLeft = true;
        this.wake();
    }
    /** To be called before the backend is asked: what changes from then on ends the pause after it. */
    begin() {
        this.#isWoken = false;
    }
    /** Until something may have changed since `begin`, at most so long. */
    async pause(most) {
        if (this.#isWoken)
            return;
        const woken = new Promise((resolve) => (this.#goOn = resolve));
        const timer = this.#clock.timer(Math.min(this.#look, most), this.#goOn);
        this.#look = Math.min(2 * this.#look, LOOK);
        await woken;
        timer.clear();
    }
}
//# sourceMappingURL=job-watches.js.map