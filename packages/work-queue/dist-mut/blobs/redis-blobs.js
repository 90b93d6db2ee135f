import { keeping, noSuchBlob, notRead, undone } from "./blob-store.js";
import { parts } from "./parts.js";
/** Small enough that nobody else waits long for its Redis. */
const PART_BYTES = 256 * 1024;
/** Ids that are asked for in one go. */
const PAGE = 1_000;
export class RedisBlobs {
    #redis;
    #prefix;
    #clock;
    constructor(redis, queue, clock) {
        this.#redis = redis;
        this.#prefix = `outrigger:${queue}:blobs`;
        this.#clock = clock;
    }
    async write(id, pieces) {
        try {
            // Known before it is there: one whose writer ends in the middle is found again.
            await this.#touch(id);
            let part = 0;
            let length = 0;
            for await (const bytes of parts(pieces, PART_BYTES)) {
                await keeping(this.#redis.hset(this.#key(id), String(part++), bytes));
                await this.#touch(id);
                length += bytes.length;
            }
            await keeping(this.#redis.hset(this.#sizes, id, String(length)));
            await keeping(this.#redis.hset(this.#key(id), "parts", String(part)));
        }
        catch (thrown) {
            return await undone(thrown, this.remove(id));
        }
    }
    async *read(id) {
        const count = await this.#get(id, "parts");
        if (count === null)
            throw noSuchBlob(id);
        for (let part = 0; part < Number(count); part++) {
            const bytes = await this.#get(id, String(part));
            if (bytes === null)
                throw noSuchBlob(id);
            yield bytes;
        }
    }
    async remove(id) {
        // In this order: one that is in no set would be found by nobody. All of it is done also where memory is full.
        await this.#redis.unlink(this.#key(id));
        await this.#redis.hdel(this.#sizes, id);
        await this.#redis.zrem(this.#prefix, id);
    }
    async bytes() {
        return (await this.#redis.hvals(this.#sizes)).reduce((sum, size) => sum + Number(size), 0);
    }
    async *untouched(span) {
        const before = this.#clock.wallTime() - span;
        for (let kept = 0;;) {
            const ids = await this.#redis.zrangebyscore(this.#prefix, 0, before, "LIMIT", kept, PAGE);
            for (const id of ids) {
                yield id;
                if ((await this.#redis.zscore(this.#prefix, id)) !== null)
                    kept++;
            }
            if (ids.length < PAGE)
                return;
        }
    }
    get #sizes() {
        return `${this.#prefix}:sizes`;
    }
    #key(id) {
        return `${this.#prefix}:${id}`;
    }
    async #touch(id) {
        await keeping(this.#redis.zadd(this.#prefix, Math.floor(this.#clock.wallTime()), id));
    }
    #get(id, field) {
        return this.#redis.hgetBuffer(this.#key(id), field).catch((thrown) => {
            throw notRead(thrown);
        });
    }
}
//# sourceMappingURL=redis-blobs.js.map