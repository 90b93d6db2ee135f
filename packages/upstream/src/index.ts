export { Upstream, type UpstreamDeps } from "./upstream.ts";
export type { EndpointSnapshot, UpstreamSnapshot } from "./snapshot.ts";
export type { EndpointState } from "./instruments.ts";
export { createEndpoint, targetAt, type Endpoint } from "./endpoint/endpoint.ts";
export { OUTCOMES, type Outcome } from "./endpoint/outcome.ts";
export { isNoSocket } from "./endpoint/no-socket.ts";
export { formatAddress, formatHostPort, parseAddress, type Address } from "./endpoint/address.ts";
export type { Rejection } from "./resilience/admission.ts";
export { AdaptiveLimit, type AdaptiveLimitSettings } from "./resilience/adaptive-limit.ts";
export { ConnectionLimits } from "./resilience/connection-limits.ts";
export { Hedging } from "./resilience/hedging.ts";
export { RetryBudget } from "./resilience/retry-budget.ts";
export { ActiveHealth, type ActiveHealthSettings } from "./health/active-health.ts";
export { probeEndpoint, type Probe, type ProbeSpec } from "./health/probe.ts";
export { SearchingResolver, type AddressAnswer, type NameResolver } from "./discovery/name-resolver.ts";
export { DnsFailure, type ServiceRecord } from "./discovery/dns-client.ts";
export {
  checkUpstream,
  findConflicts,
  upstreamConfig,
  upstreamSchema,
  upstreamShape,
  type ConfigConflict,
  type UpstreamConfig,
  type UpstreamConfigInput,
} from "./config.ts";
