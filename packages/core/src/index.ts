export { OutriggerError } from "./errors.ts";
export { formatDuration, parseDuration, parseSize, type Bytes, type Milliseconds } from "./units.ts";
export { sleepOn, systemClock, type Clock, type Timer } from "./time/clock.ts";
export { Deadline, DeadlineQueue } from "./time/deadline-queue.ts";
export { silentLogger, type Logger } from "./log/logger.ts";
export type { Counter, Family, Gauge, Histogram, Metrics } from "./metrics/metrics.ts";
