/** The container that is added for a pattern: a native sidecar, or an ordinary container that the others wait for. */
import type { Value } from "./emit.ts";
import type { InjectOptions } from "./options.ts";
import { containerName, type Injectable } from "./pattern-table.ts";
import { QUEUE } from "./queue.ts";
import { RECORD_VARIABLE } from "./record.ts";
import type { Route } from "./route.ts";

export interface SidecarPlan {
  readonly injectable: Injectable;
  readonly args: readonly string[];
  /** Of the pod's address. */
  readonly open: readonly Route[];
  /** The volume of its ConfigMap. */
  readonly volume: string | null;
  /** Besides it. */
  readonly mounts: readonly Value[];
  /** null: the pattern's own. */
  readonly image: string | null;
  /** null: the pattern's own. */
  readonly resources: Value | null;
}

/** Where a ConfigMap with its configuration is mounted. */
export const CONFIG_FOLDER = "/etc/outrigger";

/** @param record what inject has added to the pod (see record.ts) */
export function sidecarContainer(plan: SidecarPlan, options: InjectOptions, record: string): Value {
  const { injectable, args, open, volume } = plan;
  const mounts = [
    ...(volume === null ? [] : [{ name: volume, mountPath: CONFIG_FOLDER, readOnly: true }]),
    ...plan.mounts,
  ];
  const { name, probePort } = injectable.pattern;
  const probe = (path: string, more: { readonly [key: string]: Value } = {}): Value => ({
    httpGet: { path, port: probePort },
    ...more,
  });
  return {
    name: containerName(injectable),
    image: `${options.imagePrefix}/${plan.image ?? name}:${options.imageTag}`,
    ...(options.imagePullPolicy === null ? {} : { imagePullPolicy: options.imagePullPolicy }),
    ...(options.classic ? {} : { restartPolicy: "Always" }),
    // The kubelet would take $(X) for a variable.
    args: args.map((word) => word.replaceAll("$(", () => "$$(")),
    env: [
      { name: RECORD_VARIABLE, value: record },
      ...Object.entries(injectable.downward).map(([variable, fieldPath]) => ({
        name: variable,
        valueFrom: { fieldRef: { fieldPath } },
      })),
    ],
    ports: [
      { name: `probe-${probePort}`, containerPort: probePort },
      ...open.map(({ listen: { port } }) => ({
        name: `${name === QUEUE ? "queue" : "gate"}-${port}`,
        containerPort: port,
      })),
    ],
    // The kubelet starts the next container only after postStart has returned, or the startup probe has succeeded.
    ...(options.classic
      ? { lifecycle: { postStart: { exec: { command: [...injectable.entry, "--await-started"] } } } }
      : {}),
    startupProbe: probe("/startupz", { periodSeconds: 1, failureThreshold: 60 }),
    readinessProbe: probe("/readyz"),
    livenessProbe: probe("/livez"),
    resources: plan.resources ?? injectable.resources,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
  };
}
