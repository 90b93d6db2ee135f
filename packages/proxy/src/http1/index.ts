export { HTTP1_DEFAULTS, type Http1Options } from "./forward/settings.ts";
export { Listener, type ListenAddress, type ListenerDeps } from "./forward/listener.ts";
export {
  loadUpstreamTls,
  UpstreamTls,
  UpstreamTlsWatcher,
  type UpstreamTlsFiles,
} from "./forward/upstream-tls.ts";
export { VIOLATIONS, type Violation } from "./codec/violation.ts";
export type { Fields } from "./serve/answer.ts";
export type { Handler } from "./serve/handler.ts";
export type { ServedRequest } from "./serve/served-request.ts";
