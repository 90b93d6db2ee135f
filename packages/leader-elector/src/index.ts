/** One of N replicas acts, and can prove it. */
export { Candidate, type CandidateOptions, type Standing } from "./election/candidate.ts";
export { Election, type Action, type ElectionDeps } from "./election/election.ts";
export type { LeaseRecord, LeaseStore, Sighting, Written } from "./election/lease-store.ts";
export { checkTiming, DEFAULT_TIMING, type Timing } from "./election/timing.ts";
export { FileStore } from "./store/file-store.ts";
export { MemoryStore } from "./store/memory-store.ts";
export { RedisStore, type RedisStoreOptions } from "./store/redis-store.ts";
