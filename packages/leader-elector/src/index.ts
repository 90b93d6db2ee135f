/** One of N replicas acts, and can prove it. */
export { createLeaderElector, LeaderElector, type LeaderElectorDeps } from "./leader-elector.ts";
export { Elector, type ElectorDeps, type ElectorOptions } from "./elector/elector.ts";
export type { HeldBack } from "./elector/hold-backs.ts";
export type { View } from "./elector/view.ts";
export type { Change, Changes } from "./elector/change-log.ts";
export {
  leaderElectorSchema,
  parseLeaderElectorConfig,
  type LeaderElectorConfig,
  type LeaderElectorInput,
} from "./config/config.ts";
export type { Duty, EndReason, Term } from "./duty/duty.ts";
export { ForwardPort, type ForwardPortOptions } from "./duty/forward-port.ts";
export { HOP_HEADER, LEADER_HEADER, TOKEN_HEADER } from "./duty/forward-way.ts";
export { GatePort, type GatePortOptions } from "./duty/gate-port.ts";
export type { PodAddress, PortDeps } from "./duty/pod-port.ts";
export { Candidate, type CandidateOptions, type Standing } from "./election/candidate.ts";
export { Election, type Action, type ElectionDeps } from "./election/election.ts";
export type { LeaseRecord, LeaseStore, Sighting, Written } from "./election/lease-store.ts";
export { checkTiming, DEFAULT_TIMING, JITTER, type Timing } from "./election/timing.ts";
export { FileStore } from "./store/file-store.ts";
export { MemoryStore } from "./store/memory-store.ts";
export { RedisStore, type RedisStoreOptions } from "./store/redis-store.ts";
export { Child, type ChildDeps, type ChildOptions } from "./duty/child.ts";
export { CommandHook, type CommandHookOptions } from "./duty/command-hook.ts";
export type { HookDeps } from "./duty/hook.ts";
export { SignalHook, type SignalHookOptions } from "./duty/signal-hook.ts";
export { parseWebhookUrl } from "./duty/webhook-url.ts";
export { Webhook, type WebhookDeps, type WebhookOptions } from "./duty/webhook.ts";
export {
  parseHealthCheck,
  WorkloadHealth,
  type WorkloadHealthDeps,
  type WorkloadHealthOptions,
} from "./health/workload-health.ts";
