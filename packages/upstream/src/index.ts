export {
  Upstream,
  type EndpointSnapshot,
  type Rejection,
  type UpstreamDeps,
  type UpstreamSnapshot,
} from "./upstream.ts";
export { OUTCOMES, type Endpoint, type Outcome } from "./endpoint/endpoint.ts";
export { formatHostPort, parseAddress, type Address } from "./endpoint/address.ts";
export {
  checkUpstream,
  findConflicts,
  upstreamConfig,
  upstreamSchema,
  upstreamShape,
  type UpstreamConfig,
  type UpstreamConfigInput,
} from "./config.ts";
