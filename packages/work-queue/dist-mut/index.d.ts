export { createWorkQueue, WorkQueue, type WorkQueueDeps } from "./work-queue.ts";
export { parseWorkQueueConfig, workQueueSchema, type WorkQueueConfig, type WorkQueueInput, } from "./config/config.ts";
//# sourceMappingURL=index.d.ts.map