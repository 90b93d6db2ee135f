/** One of N replicas acts, and can prove it. */
export { Candidate, type CandidateOptions, type Standing } from "./election/candidate.ts";
export { Election, type Action, type ElectionDeps } from "./election/election.ts";
export type { LeaseRecord, LeaseStore, Sighting, Written } from "./election/lease-store.ts";
export { checkTiming, DEFAULT_TIMING, JITTER, type Timing } from "./election/timing.ts";
export { FileStore } from "./store/file-store.ts";
export { MemoryStore } from "./store/memory-store.ts";
export { RedisStore, type RedisStoreOptions } from "./store/redis-store.ts";
export type { Duty, EndReason, Term } from "./duty/duty.ts";
export { Child, type ChildDeps, type ChildOptions } from "./duty/child.ts";
export { CommandHook, type CommandHookOptions } from "./duty/command-hook.ts";
export type { HookDeps } from "./duty/hook.ts";
export { SignalHook, type SignalHookOptions } from "./duty/signal-hook.ts";
export { parseWebhookUrl, Webhook, type WebhookDeps, type WebhookOptions } from "./duty/webhook.ts";
export {
  parseHealthCheck,
  WorkloadHealth,
  type WorkloadHealthDeps,
  type WorkloadHealthOptions,
} from "./health/workload-health.ts";
