/**
 * A folder that one process uses: whoever holds the lock listens on a unix socket in it, which the kernel closes with the
 * process, however that ends, and which other containers on the same volume reach, too.
 *
 * Sockets are named by a rising number, and the highest one is the lock. A name is taken by link(2), which fails where it
 * exists; only lower ones are ever removed. So of all who find the highest one dead, one gets the next.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
const NAME = /^lock\.(\d{1,15})$/;
export class FolderLock {
    #server;
    constructor(server) {
        this.#server = server;
    }
    /** @throws OutriggerError `folder-in-use`, `folder-unusable` */
    static async take(folder) {
        const server = createServer((socket) => socket.destroy());
        try {
            await mkdir(folder, { recursive: true });
            await lockFolder(folder, server);
        }
        catch (thrown) {
            server.close();
            if (thrown instanceof OutriggerError)
                throw thrown;
            throw new OutriggerError("folder-unusable", `${folder} cannot be used: ${thrown.message}`, {
                cause: thrown,
            });
        }
        // The lock keeps nobody running.
        return new FolderLock(server.unref());
    }
    async release() {
        await new Promise((resolve) => this.#server.close(() => resolve()));
    }
}
async function lockFolder(folder, server) {
    // A socket's path has 107 bytes, a folder's has more: the descriptor leads there in a few.
    const handle = await open(folder);
    const near = (name) => `/proc/self/fd/${handle.fd}/${name}`;
    const own = `.lock-${randomBytes(8).toString("hex")}`;
    try {
        await new Promise((resolve, reject) => {
            server.once("error", reject).listen(near(own), () => resolve());
        });
        for (;;) {
            const numbers = await lockNumbers(folder);
            const highest = Math.max(0, ...numbers);
            if (highest > 0 && (await answers(near(`lock.${highest}`))))
                throw new OutriggerError("folder-in-use", `${folder} is in use by another process: embedded:DIR is for one; give this one a folder of its own, or use redis:// or postgres://`);
            try {
                await link(join(folder, own), join(folder, `lock.${highest + 1}`));
            }
            catch (error) {
                // Somebody was faster.
                if (error.code === "EEXIST")
                    continue;
                throw error;
            }
            for (const number of numbers)
                await rm(join(folder, `lock.${number}`), { force: true });
            return;
        }
    }
    finally {
        await rm(join(folder, own), { force: true });
        await handle.close();
    }
}
async function lockNumbers(folder) {
    const names = await readdir(folder);
    return names.flatMap((name) => (NAME.test(name) ? [Number(NAME.exec(name)?.[1])] : []));
}
/** Whether somebody listens there. */
function answers(path) {
    return new Promise((resolve) => {
        const socket = connect(path, () => {
            socket.destroy();
            resolve(true);
        });
        // Any other error, such as a full backlog, is of one that is there.
        socket.once("error", ({ code }) => resolve(code !== "ECONNREFUSED" && code !== "ENOENT"));
    });
}
//# sourceMappingURL=folder-lock.js.map