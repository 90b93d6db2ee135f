/**
 * The container runner: the one place that owns the process. Signal handlers are installed before anything else,
 * because as PID 1 a process without a handler ignores SIGTERM (the kernel gives PID 1 no default action) and would
 * be killed at the end of the pod's grace period. PID 1 would also have to reap orphans: we start no processes, so
 * there are none; an image that starts some needs an init or a shared PID namespace.
 */
import type * as z from "zod";
import { ConfigReloader } from "../config/reloader.ts";
import { watchFile, type FileWatch } from "../config/watch-file.ts";
import { OutriggerError } from "../errors.ts";
import { GateDrain } from "../lifecycle/gate-drain.ts";
import { Lifecycle } from "../lifecycle/lifecycle.ts";
import { createLogger, type LeveledLogger } from "../log/pino-logger.ts";
import { createMetrics } from "../metrics/create-metrics.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { addProcessMetrics } from "../metrics/process-metrics.ts";
import { startControlServer } from "../servers/control-server.ts";
import type { HealthCheck } from "../servers/health.ts";
import type { BoundServer } from "../servers/listen.ts";
import { startProbeServer } from "../servers/probe-server.ts";
import { systemClock, type Clock } from "../time/clock.ts";
import { formatDuration, type Milliseconds } from "../units.ts";
import type { Configuration, Loaded } from "./configuration.ts";
import { FIXED_KEYS } from "./container-config.ts";
import { ownControlRoutes } from "./control-routes.ts";
import { drainWithinGrace } from "./drain.ts";
import type { ContainerDefinition, Pattern } from "./pattern.ts";
import { collectStartGarbage } from "./start-garbage.ts";
import { onStopSignals } from "./stop-signals.ts";
import { refuseHostNetwork, warnOfHeapLimit, warnOfSubPath } from "./surroundings.ts";

/** How long the closing of what is left may take, after draining. */
const LAST_CLOSE: Milliseconds = 1_000;

/** What ends a run: a first signal, or POST /quitquitquit. */
class Shutdown {
  readonly requested: Promise<string>;
  #request: (reason: string) => void = () => {};
  reason: string | null = null;

  constructor() {
    this.requested = new Promise((resolve) => {
      this.#request = resolve;
    });
  }

  /** False when it was requested before. */
  request(reason: string): boolean {
    if (this.reason !== null) return false;
    this.reason = reason;
    this.#request(reason);
    return true;
  }
}

/**
 * Runs to the end and exits the process.
 * @throws OutriggerError `bad-config`, `config-unreadable`, `host-network` before anything was started
 */
export async function runContainer<Schema extends z.ZodObject>(
  definition: ContainerDefinition<Schema>,
  configuration: Configuration<Schema>,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const clock = systemClock;
  const shutdown = new Shutdown();
  let hungUp = false;
  let onHangUp = (): void => void (hungUp = true);
  const log = createLogger({ fields: { pattern: definition.name } });
  installProcessHandlers(clock, log, shutdown, () => onHangUp());

  let current = await configuration.load();
  refuseHostNetwork(env, current.config.allowHostNetwork);
  log.setLevel(current.config.logLevel);
  warnOfHeapLimit(log);

  const metrics = createMetrics();
  const endProcessMetrics = addProcessMetrics(metrics, {
    pattern: definition.name,
    version: definition.version,
  });
  countDroppedLines(metrics, log);
  const lifecycle = new Lifecycle(clock, log);
  const gateDrain = new GateDrain({
    clock,
    log,
    metrics,
    listeners: () => pattern?.listeners ?? [],
    times: () => current.config,
  });
  const servers: BoundServer[] = [];
  let pattern: Pattern<z.output<Schema>> | undefined;
  let watch: FileWatch | undefined;
  const end = async (code: number): Promise<void> => {
    // Everything is answered or cut by now: a socket that will not close must not keep the pod from ending.
    setTimeout(() => {
      log.flush();
      process.exit(code);
    }, LAST_CLOSE).unref();
    watch?.stop();
    endProcessMetrics();
    await pattern?.stop();
    await Promise.all(servers.map((server) => server.close()));
    log.flush();
    process.exit(code);
  };

  try {
    const { probe } = current.config;
    servers.push(
      await startProbeServer({
        address:
          probe.host === undefined
            ? { kind: "all", port: probe.port }
            : { kind: "host", host: probe.host, port: probe.port },
        metrics,
        log,
        checks: () => [...lifecycleChecks(lifecycle), ...(pattern?.checks ?? [])],
        pages: () => pattern?.probePages,
        drain: () =>
          gateDrain.hasGate ? { token: current.config.drainToken, request: () => gateDrain.request() } : null,
      }),
    );
    pattern = await definition.create(current.config, { clock, log, metrics });
    const running = pattern;

    const reloader = new ConfigReloader<Loaded<Schema>>({
      load: () => configuration.load(),
      apply: async (next) => {
        warnOfFixedKeys(log, current.config, next.config);
        await running.reload(next.config);
        if (next.config.logLevel !== current.config.logLevel) log.setLevel(next.config.logLevel);
        current = next;
      },
      metrics,
      clock,
      log,
    });
    onHangUp = () => {
      if (configuration.file === undefined)
        log.warn({}, "SIGHUP ignored: there is no --config file to reload");
      else void reloader.reload("SIGHUP");
    };
    // The file may have been read before that signal came.
    if (hungUp) onHangUp();

    const { control } = current.config;
    if (control.kind !== "off") {
      const own = await ownControlRoutes({
        log,
        debug: current.config.debugEndpoints,
        configuration: () => configuration.show(current.config),
        quit: () => shutdown.request("quitquitquit"),
      });
      servers.push(
        await startControlServer({
          address: control,
          log,
          routes: () => [...own, ...(running.controlRoutes ?? [])],
        }),
      );
    }

    await Promise.race([running.start(), shutdown.requested]);
    if (shutdown.reason !== null) {
      log.info({ reason: shutdown.reason }, "stopped while starting");
      return await end(0);
    }
    if (configuration.file !== undefined && current.fileText !== undefined) {
      const path = configuration.file;
      await warnOfSubPath(log, path);
      watch = watchFile({
        path,
        text: current.fileText,
        clock,
        log,
        onChange: () => void reloader.reload("file"),
      });
    }
    lifecycle.ready();
    log.info(
      {
        version: definition.version,
        probe: servers[0]?.addresses,
        control: servers[1]?.addresses ?? "off",
        listeners: Object.fromEntries(
          running.listeners.map(({ name, addresses }) => [name, addresses ?? []]),
        ),
        // Since exec: what the process' own clock counts from.
        took: formatDuration(Math.round(performance.now())),
      },
      "ready",
    );
    reloader.open();
    const collection = definition.collectsStartGarbage ? collectStartGarbage(clock) : null;

    void running.finished?.then(
      () => shutdown.request("finished"),
      (thrown: unknown) => fail(log, thrown),
    );
    const reason = await shutdown.requested;
    watch?.stop();
    collection?.clear();
    await drainWithinGrace(reason, {
      reloader,
      gateDrain,
      lifecycle,
      clock,
      log,
      listeners: () => running.listeners,
      times: () => current.config,
    });
    await gateDrain.answered();
    await end(0);
  } catch (thrown) {
    fail(log, thrown);
  }
}

const EXIT_CODE = { SIGTERM: 143, SIGINT: 130 } as const;

function installProcessHandlers(
  clock: Clock,
  log: LeveledLogger,
  shutdown: Shutdown,
  hangUp: () => void,
): void {
  onStopSignals(
    ["SIGTERM", "SIGINT"],
    clock,
    // Only signals count: a preStop that called /quitquitquit comes before the kubelet's first SIGTERM.
    (signal) => shutdown.request(signal),
    (signal) => {
      log.warn({ signal }, "second signal: exiting at once");
      log.flush();
      process.exit(EXIT_CODE[signal]);
    },
  );
  process.on("SIGHUP", hangUp);
  // Also what rejects without anyone listening: Node raises it as an uncaught exception.
  process.on("uncaughtException", (thrown) => fail(log, thrown));
}

/** One line, then exit 1. If even that line cannot be written, exit 1 all the same. */
function fail(log: LeveledLogger, thrown: unknown): never {
  try {
    // Our own errors say all in their sentence.
    const fields = thrown instanceof OutriggerError ? { code: thrown.code } : { error: thrown };
    log.error(fields, `failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    log.flush();
  } finally {
    process.exit(1);
  }
}

function countDroppedLines(metrics: Metrics, log: LeveledLogger): void {
  const dropped = metrics
    .counter("outrigger_log_lines_dropped_total", "Log lines never written because stdout was not read")
    .with({});
  metrics.beforeExpose(() => dropped.inc(log.dropped - dropped.value));
}

function lifecycleChecks(lifecycle: Lifecycle): HealthCheck[] {
  const { state } = lifecycle;
  const started = state.phase !== "starting";
  // While endpoint removal spreads, requests still come and are served: /readyz stays 200 (terminating endpoints
  // count as not ready anyway).
  const accepting = state.phase === "ready" || (state.phase === "draining" && !state.refusing);
  const detail = state.phase;
  return [
    { name: "process", kind: "live", check: () => ({ ok: true }) },
    { name: "lifecycle", kind: "startup", check: () => ({ ok: started, detail }) },
    { name: "lifecycle", kind: "ready", check: () => ({ ok: accepting, detail }) },
  ];
}

function warnOfFixedKeys(log: LeveledLogger, before: object, after: object): void {
  const changed = FIXED_KEYS.filter(
    (key) => JSON.stringify(Reflect.get(before, key)) !== JSON.stringify(Reflect.get(after, key)),
  );
  if (changed.length > 0)
    log.warn({ keys: changed }, "these keys changed and take effect only after a restart");
}
