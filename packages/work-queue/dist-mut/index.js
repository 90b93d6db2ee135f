export { createWorkQueue, WorkQueue } from "./work-queue.js";
export { parseWorkQueueConfig, workQueueSchema, } from "./config/config.js";
//# sourceMappingURL=index.js.map