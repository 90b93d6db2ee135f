/** The schema of the jobs' tables in Postgres. BullMQ's own default: a pool that is not its own has no other. */
export const SCHEMA = "bullmq";
//# sourceMappingURL=schema.js.map