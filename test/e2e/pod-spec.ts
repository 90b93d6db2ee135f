/**
 * What podman's `kube play` is given of a manifest, and what a kubelet does that it does not. `kube play` (4.3) knows no
 * native sidecars, calls no hook, publishes every containerPort on all addresses of the host, and makes a livenessProbe
 * a curl inside of the container, which an image without a shell fails for ever.
 */
import { parseAllDocuments, stringify } from "yaml";

export interface HttpGet {
  readonly path: string;
  readonly port: number;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

export interface PlayedContainer {
  readonly name: string;
  /** A native sidecar: started before the others, stopped after them. */
  readonly native: boolean;
  readonly postStart: readonly string[] | null;
  readonly preStop: HttpGet | null;
  readonly startup: HttpGet | null;
  readonly readiness: HttpGet | null;
}

export interface PlayedPod {
  readonly name: string;
  /** In start order. */
  readonly containers: readonly PlayedContainer[];
  /** Seconds. */
  readonly grace: number;
  /** For `kube play`. */
  readonly yaml: string;
}

interface Port {
  containerPort: number;
  name?: string;
  hostPort?: number;
}

interface Container {
  name: string;
  restartPolicy?: string;
  ports?: Port[];
  lifecycle?: { postStart?: { exec?: { command: string[] } }; preStop?: { httpGet?: RawGet } };
  startupProbe?: { httpGet?: RawGet };
  readinessProbe?: { httpGet?: RawGet };
  livenessProbe?: unknown;
}

interface RawGet {
  path?: string;
  port: number | string;
  httpHeaders?: { name: string; value: string }[];
}

interface Spec {
  initContainers?: Container[];
  containers: Container[];
  terminationGracePeriodSeconds?: number;
}

interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  spec: Spec & { template?: { metadata?: object; spec: Spec } };
}

/**
 * Runs beside the others until the pod is removed: podman 4.3 stops a pod whose last running container has ended, and
 * with it, a second time, one that is just stopping.
 */
export const PAUSE = "pause";

/**
 * @param options name: of the pod instead of the manifest's, since a second replica is the same manifest; pause: an image
 *   with podman's catatonit
 * @throws where the manifest is not one Pod or Deployment, with ConfigMaps beside it
 */
export function playedPod(text: string, options: { name?: string | undefined; pause: string }): PlayedPod {
  const documents = parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest | null;
  });
  const manifests = documents.filter((each) => each !== null);
  const workloads = manifests.filter(({ kind }) => kind === "Pod" || kind === "Deployment");
  const [workload] = workloads;
  if (!workload || workloads.length > 1)
    throw new Error(`a file has one Pod or Deployment; this one has ${workloads.length}`);
  const template = workload.spec.template;
  const spec: Spec = template?.spec ?? workload.spec;
  const { initContainers = [], containers, terminationGracePeriodSeconds: grace = 30, ...rest } = spec;
  const ordinary = initContainers.find(({ restartPolicy }) => restartPolicy !== "Always");
  if (ordinary) throw new Error(`${ordinary.name} is an init container, which this suite does not play`);
  const ordered = [...initContainers, ...containers];
  const podName = options.name ?? workload.metadata.name;
  const pause = { name: PAUSE, image: options.pause, command: ["/catatonit", "-P"] };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...workload.metadata, ...template?.metadata, name: podName },
    spec: { ...rest, containers: [...ordered.map(withoutKubelet), pause] },
  };
  const beside = manifests.filter(({ kind }) => kind === "ConfigMap");
  return {
    name: podName,
    grace,
    containers: ordered.map((container) => ({
      name: container.name,
      native: initContainers.includes(container),
      postStart: container.lifecycle?.postStart?.exec?.command ?? null,
      preStop: httpGet(container, container.lifecycle?.preStop?.httpGet),
      startup: httpGet(container, container.startupProbe?.httpGet),
      readiness: httpGet(container, container.readinessProbe?.httpGet),
    })),
    yaml: [...beside, pod].map((each) => stringify(each)).join("---\n"),
  };
}

function withoutKubelet(container: Container): Container {
  const { restartPolicy: _, lifecycle: __, ...rest } = container;
  const { startupProbe: ___, readinessProbe: ____, livenessProbe: _____, ...kept } = rest;
  return { ...kept, ports: (container.ports ?? []).filter(({ hostPort }) => hostPort !== undefined) };
}

function httpGet(container: Container, raw: RawGet | undefined): HttpGet | null {
  if (!raw) return null;
  const port =
    typeof raw.port === "number"
      ? raw.port
      : container.ports?.find(({ name }) => name === raw.port)?.containerPort;
  if (port === undefined) throw new Error(`container ${container.name} has no port named ${raw.port}`);
  return { path: raw.path ?? "/", port, ...(raw.httpHeaders && { httpHeaders: raw.httpHeaders }) };
}
