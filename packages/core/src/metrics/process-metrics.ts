/** What every image tells of itself: build info, CPU, memory, files, heap, and how late the event loop runs. */
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Counter, Metrics } from "./metrics.ts";

export interface BuildInfo {
  readonly pattern: string;
  readonly version: string;
}

/** Adds them under the names that Prometheus' client libraries use. Returns the end of it. */
export function addProcessMetrics(metrics: Metrics, build: BuildInfo): () => void {
  metrics
    .gauge("outrigger_build_info", "1; the labels say what runs here", ["version", "node", "pattern"])
    .with({ version: build.version, node: process.version, pattern: build.pattern }).value = 1;

  const none = {};
  const user = metrics.counter("process_cpu_user_seconds_total", "User CPU time spent").with(none);
  const system = metrics.counter("process_cpu_system_seconds_total", "System CPU time spent").with(none);
  const total = metrics.counter("process_cpu_seconds_total", "User and system CPU time spent").with(none);
  const resident = metrics.gauge("process_resident_memory_bytes", "Resident memory").with(none);
  const heapUsed = metrics.gauge("nodejs_heap_size_used_bytes", "JavaScript heap in use").with(none);
  const heapTotal = metrics.gauge("nodejs_heap_size_total_bytes", "JavaScript heap reserved").with(none);
  const external = metrics
    .gauge("nodejs_external_memory_bytes", "Memory of buffers outside of the heap")
    .with(none);
  metrics.gauge("process_start_time_seconds", "Start time since 1970").with(none).value =
    performance.timeOrigin / 1000;
  const maxFiles = maxOpenFiles();
  const openFiles =
    maxFiles === null ? null : metrics.gauge("process_open_fds", "Open file descriptors").with(none);
  if (maxFiles !== null)
    metrics.gauge("process_max_fds", "The limit of open file descriptors").with(none).value = maxFiles;

  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  const mean = metrics
    .gauge("nodejs_eventloop_lag_mean_seconds", "Mean lateness of the event loop since the last scrape")
    .with(none);
  const p50 = metrics
    .gauge("nodejs_eventloop_lag_p50_seconds", "Median lateness of the event loop since the last scrape")
    .with(none);
  const p99 = metrics
    .gauge("nodejs_eventloop_lag_p99_seconds", "99th percentile of it since the last scrape")
    .with(none);
  const max = metrics
    .gauge("nodejs_eventloop_lag_max_seconds", "Greatest lateness of the event loop since the last scrape")
    .with(none);
  const busy = metrics
    .gauge(
      "nodejs_eventloop_utilization",
      "Share of time in which the event loop was busy since the last scrape",
    )
    .with(none);
  let utilization = performance.eventLoopUtilization();

  const removeRefresh = metrics.beforeExpose(() => {
    const cpu = process.cpuUsage();
    raise(user, cpu.user / 1e6);
    raise(system, cpu.system / 1e6);
    raise(total, (cpu.user + cpu.system) / 1e6);
    const memory = process.memoryUsage();
    resident.value = memory.rss;
    heapUsed.value = memory.heapUsed;
    heapTotal.value = memory.heapTotal;
    external.value = memory.external;
    if (openFiles) openFiles.value = countOpenFiles();
    // The monitor's figures include its own 20 ms between two looks.
    const late = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - 0.02) : 0;
    if (lag.count > 0) {
      mean.value = late(lag.mean);
      p50.value = late(lag.percentile(50));
      p99.value = late(lag.percentile(99));
      max.value = late(lag.max);
      lag.reset();
    }
    const now = performance.eventLoopUtilization();
    busy.value = performance.eventLoopUtilization(now, utilization).utilization;
    utilization = now;
  });
  return () => {
    removeRefresh();
    lag.disable();
  };
}

function raise(counter: Counter, to: number): void {
  counter.inc(to - counter.value);
}

function maxOpenFiles(): number | null {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return match ? Number(match[1]) : null;
  } catch {
    return null; // not Linux
  }
}

function countOpenFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length - 1; // without the one that lists them
  } catch {
    return 0;
  }
}
