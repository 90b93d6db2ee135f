import { createWorkQueue } from "../work-queue.js";
export async function openedQueue(input, deps = {}) {
    const queue = createWorkQueue({ listen: "127.0.0.1:0", backoff: "1ms", attempts: 3, ...input }, deps);
    await queue.start();
    return queue;
}
export const portOf = (queue) => {
    const address = queue.listeners.find(({ name }) => name === "front")?.addresses?.[0] ?? "";
    return Number(address.slice(address.lastIndexOf(":") + 1));
};
export const ask = (queue, path, init = {}) => fetch(`http://127.0.0.1:${portOf(queue)}${path}`, init);
export const told = async (response) => (await response.json());
export async function outcome(queue, id) {
    for (;;) {
        const job = await told(await ask(queue, `/jobs/${id}`));
        if (job.state === "done" || job.state === "failed")
            return job;
    }
}
//# sourceMappingURL=opened-queue.js.map