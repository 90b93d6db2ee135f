/** The duties that a configuration names, in the order in which they begin, and the ports that the lifecycle drains. */
import {
  formatHostPort,
  OutriggerError,
  type Clock,
  type DataListener,
  type Logger,
  type Metrics,
} from "@outrigger/core";
import type { Cluster } from "../cluster.ts";
import type { ElectionConfig } from "../config/config.ts";
import { parseServicePort } from "../config/service-port.ts";
import type { Duty } from "./duty.ts";

export interface OpenDuties {
  readonly duties: readonly Duty[];
  readonly listeners: readonly DataListener[];
}

export interface OpenDutiesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Of this candidate. */
  readonly id: string;
  /** A duty has failed after it had begun. */
  readonly onFailure: (reason: string) => void;
  readonly env: NodeJS.ProcessEnv;
  /** Opened where a duty is in it. */
  readonly cluster: () => Promise<Cluster>;
}

/**
 * Hooks come first, since what they prepare is what the others use; then what works; then what lets requests in. Each is loaded
 * only where it is configured. @throws OutriggerError of what cannot be built
 */
export async function openDuties(config: ElectionConfig, deps: OpenDutiesDeps): Promise<OpenDuties> {
  const { hookTimeout: timeLimit } = config;
  const duties: Duty[] = [];
  const listeners: DataListener[] = [];
  if (config.webhooks.length > 0) {
    const { Webhook } = await import("./webhook.ts");
    const { webhooks: urls, webhookSecretFile: secretFile, webhookCaFile: caFile } = config;
    duties.push(
      new Webhook(
        {
          urls,
          timeLimit,
          ...(secretFile !== undefined && { secretFile }),
          ...(caFile !== undefined && { caFile }),
        },
        deps,
      ),
    );
  }
  const { onAcquired: acquired, onEnded: ended } = config;
  if (acquired !== undefined || ended !== undefined) {
    const { CommandHook } = await import("./command-hook.ts");
    duties.push(
      new CommandHook(
        { timeLimit, ...(acquired !== undefined && { acquired }), ...(ended !== undefined && { ended }) },
        deps,
      ),
    );
  }
  if (config.child !== undefined) {
    const { Child } = await import("./child.ts");
    const onExit = config.childRestart === "always" ? "restart" : "exit";
    duties.push(new Child({ argv: config.child, onExit }, deps));
  }
  if (config.signalProcess !== undefined) {
    const { SignalHook } = await import("./signal-hook.ts");
    const [, pidFile] = /^pidfile:(.+)$/.exec(config.signalProcess) ?? [];
    const process = pidFile === undefined ? { name: config.signalProcess } : { pidFile };
    duties.push(
      new SignalHook(
        { process, acquired: config.signalAcquired, ended: config.signalEnded, timeLimit },
        deps,
      ),
    );
  }
  if (config.gate !== undefined) {
    const { GatePort } = await import("./gate-port.ts");
    const { listen, workload, options } = config.gate;
    duties.push(new GatePort({ listen, workload, ...options }, deps));
  }
  if (config.forward !== undefined) {
    const { ForwardPort } = await import("./forward-port.ts");
    const { listen, workload, options } = config.forward;
    const port = new ForwardPort({ listen, workload, id: deps.id, ...options }, deps);
    duties.push(port);
    listeners.push(port);
  }
  if (config.service !== undefined) duties.push(await openSlice(config, config.service, deps));
  return { duties, listeners };
}

/** @throws OutriggerError `no-pod-address`, `bad-leader-slice`, `kubernetes-no-access` */
async function openSlice(config: ElectionConfig, service: string, deps: OpenDutiesDeps): Promise<Duty> {
  const { POD_IP: address, POD_NAME: name, POD_UID: uid, NODE_NAME: node } = deps.env;
  if (!address)
    throw new OutriggerError(
      "no-pod-address",
      `traffic of Service ${service} goes to the leader's address, and POD_IP does not say ours: set it from fieldRef status.podIP`,
    );
  const [{ LeaderSlice }, { client, namespace }] = await Promise.all([
    import("./leader-slice.ts"),
    deps.cluster(),
  ]);
  return new LeaderSlice(
    {
      namespace: config.namespace ?? namespace,
      name: config.slice ?? sliceOf(service),
      service,
      address,
      ports: config.servicePorts.map(parseServicePort),
      ...(name && { pod: { name, ...(uid && { uid }), ...(node && { node }) } }),
    },
    { ...deps, client },
  );
}

/** The EndpointSlice of a Service, where none is named. */
export function sliceOf(service: string): string {
  return `${service}-leader`;
}

/** Where others reach the forward port, as far as this replica can know. */
export function advertised(config: ElectionConfig, host: string | null): string | undefined {
  if (config.address !== undefined) return config.address;
  // Port 0 is another port each time, and known only when it is open.
  if (config.forward === undefined || config.forward.listen.port === 0 || host === null) return undefined;
  return formatHostPort({ host, port: config.forward.listen.port });
}
