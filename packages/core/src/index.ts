export { OutriggerError } from "./errors.ts";
export {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  type Bytes,
  type Milliseconds,
} from "./units.ts";
export { createBootClock } from "./time/boot-clock.ts";
export { sleepOn, systemClock, type Clock, type Timer } from "./time/clock.ts";
export { Deadline, DeadlineQueue } from "./time/deadline-queue.ts";
export { silentLogger, type Logger } from "./log/logger.ts";
export type { Counter, Family, Gauge, Histogram, Metrics } from "./metrics/metrics.ts";
export { createMetrics } from "./metrics/create-metrics.ts";
export {
  booleanOption,
  durationOption,
  durationSchema,
  filePathSchema,
  formatHostPort,
  hostPortSchema,
  intListOption,
  intOption,
  listOption,
  numberOption,
  parseHostPort,
  portSchema,
  secret,
  sizeOption,
  sizeSchema,
  type HostPort,
  type Range,
} from "./config/schema-blocks.ts";
export { readSecretFile } from "./config/secret-file.ts";
export { parseRedisUrl, type RedisAddress } from "./redis/redis-address.ts";
export { formatRedisPlace, redisLogin, type RedisFiles, type RedisLogin } from "./redis/redis-login.ts";
export { readText } from "./config/read-text.ts";
export type { FlagDeclaration } from "./config/flags.ts";
export { ConfigError, formatProblem, type ConfigProblem } from "./config/problem.ts";
export { loadConfig, type ConfigLayers, type KeyText, type RouteText } from "./config/load.ts";
export { inputJsonSchema, type JsonSchema } from "./config/json-schema.ts";
export { closest, didYouMean } from "./config/did-you-mean.ts";
export { redact, redactByName, REDACTED } from "./config/redact.ts";
export {
  formatRouteLine,
  maskSecrets,
  parseRouteLine,
  RouteLineError,
  type RouteLine,
  type RouteValue,
} from "./config/route-line.ts";
export { isMountPoint, watchFile, type FileWatch, type FileWatchOptions } from "./config/watch-file.ts";
export { createLogger, LOG_LEVELS, type LeveledLogger, type LogLevel } from "./log/pino-logger.ts";
export { Lifecycle, type DrainReport, type DrainTimes, type LifecycleState } from "./lifecycle/lifecycle.ts";
export { containerSchema } from "./container/configuration.ts";
export type { DataListener, ListenerRole } from "./lifecycle/data-listener.ts";
export type { Gate } from "./lifecycle/gate.ts";
export type { HealthCheck, HealthState } from "./servers/health.ts";
export { connectWhile } from "./net/connect-while.ts";
export { listen, type BoundServer, type ListenAddress } from "./servers/listen.ts";
export type { ProbePages } from "./servers/probe-server.ts";
export type { ControlReply, ControlRequest, ControlRoute } from "./servers/control-server.ts";
export { onStopSignals } from "./container/stop-signals.ts";
export { defineContainer, type Container } from "./container/define-container.ts";
export type { Command, ContainerDefinition, Pattern, PatternDeps, Printout } from "./container/pattern.ts";
