/**
 * Every field of the manifests that Outrigger reads, and what `outrigger run` does with it: this one table
 * validates manifests, types them, and writes FIELDS.md. Source: the Kubernetes API, core/v1, apps/v1, batch/v1 (1.35).
 */
import {
  anything,
  base64,
  boolean,
  choice,
  content,
  hidden,
  honoured,
  integer,
  integerOrString,
  irrelevant,
  list,
  map,
  matching,
  object,
  quantity,
  refused,
  required,
  string,
  type Infer,
  type Shape,
} from "./schema.ts";
import {
  ABSOLUTE_PATH,
  ENV_NAME,
  HEADER_NAME,
  HEADER_VALUE,
  HOST,
  LABEL,
  REQUEST_PATH,
  SIGNAL,
  SUBDOMAIN,
  dataOf,
  seconds,
} from "./forms.ts";

const SERVER_SET = "set by the API server";
const NOT_SCHEDULED = "there is one laptop and no scheduler";
const AS_YOU = "every process runs as you, with your rights";
const NOT_LIMITED = "nothing is limited on a laptop; read only by resourceFieldRef";
const NEEDS_VOLUME_FLAG = "has no folder here: give it one with --volume NAME=DIR";

const objectReference = { name: required(SUBDOMAIN), optional: honoured(boolean) } as const satisfies Shape;
const keySelector = {
  name: required(SUBDOMAIN),
  key: required(string),
  optional: honoured(boolean),
} as const satisfies Shape;
const fieldSelector = {
  fieldPath: required(
    string,
    "metadata.name, .namespace, .uid, .labels, .labels['K'], .annotations, .annotations['K'], spec.nodeName, spec.serviceAccountName, status.podIP(s), status.hostIP(s)",
  ),
  apiVersion: irrelevant(string, "there is one version"),
} as const satisfies Shape;
const resourceSelector = {
  resource: required(
    choice(
      "limits.cpu",
      "limits.memory",
      "requests.cpu",
      "requests.memory",
      "limits.ephemeral-storage",
      "requests.ephemeral-storage",
    ),
  ),
  containerName: honoured(LABEL),
  divisor: honoured(quantity),
} as const satisfies Shape;

const envSource = {
  configMapKeyRef: honoured(object(keySelector)),
  secretKeyRef: honoured(object(keySelector)),
  fieldRef: honoured(object(fieldSelector)),
  resourceFieldRef: honoured(
    object(resourceSelector),
    "an absent limit is the laptop's CPUs or memory, as it is the node's in a cluster",
  ),
  fileKeyRef: refused("not done yet: write the value, or use a configMapKeyRef"),
} as const satisfies Shape;
const envVar = {
  name: required(ENV_NAME),
  value: honoured(
    string,
    "$(VAR) is expanded; a value that begins with a mountPath is pointed at the folder",
  ),
  valueFrom: honoured(object(envSource)),
} as const satisfies Shape;
const envFrom = {
  prefix: honoured(matching(/^[^=\0]*$/, "the beginning of a name, without =")),
  configMapRef: honoured(object(objectReference)),
  secretRef: honoured(object(objectReference)),
} as const satisfies Shape;

const httpGet = {
  port: required(integerOrString),
  path: honoured(REQUEST_PATH),
  host: honoured(HOST),
  scheme: honoured(choice("HTTP", "HTTPS"), "certificates are not verified, as the kubelet does not"),
  httpHeaders: honoured(list(object({ name: required(HEADER_NAME), value: required(HEADER_VALUE) }))),
} as const satisfies Shape;
const tcpSocket = { port: required(integerOrString), host: honoured(HOST) } as const satisfies Shape;
const exec = { command: honoured(list(string), "no shell; mount paths as in args") } as const satisfies Shape;

const probe = {
  exec: honoured(object(exec)),
  httpGet: honoured(object(httpGet)),
  tcpSocket: honoured(object(tcpSocket)),
  grpc: refused("gRPC probes are not done yet: probe with httpGet, tcpSocket or exec"),
  initialDelaySeconds: honoured(seconds(0)),
  periodSeconds: honoured(seconds(1), "default 10"),
  timeoutSeconds: honoured(seconds(1), "default 1"),
  successThreshold: honoured(integer(1), "default 1"),
  failureThreshold: honoured(integer(1), "default 3"),
  terminationGracePeriodSeconds: honoured(integer(1)),
} as const satisfies Shape;
const lifecycleHandler = {
  exec: honoured(object(exec)),
  httpGet: honoured(object(httpGet)),
  sleep: honoured(object({ seconds: required(integer(0)) })),
  tcpSocket: refused("deprecated, and the kubelet does not run it either"),
} as const satisfies Shape;
const lifecycle = {
  postStart: honoured(object(lifecycleHandler)),
  preStop: honoured(object(lifecycleHandler)),
  stopSignal: honoured(SIGNAL),
} as const satisfies Shape;

const resources = {
  limits: irrelevant(map(quantity), NOT_LIMITED),
  requests: irrelevant(map(quantity), NOT_LIMITED),
  claims: irrelevant(anything, NOT_SCHEDULED),
} as const satisfies Shape;
const containerSecurity = {
  allowPrivilegeEscalation: irrelevant(boolean, AS_YOU),
  appArmorProfile: irrelevant(anything, AS_YOU),
  capabilities: irrelevant(anything, AS_YOU),
  privileged: irrelevant(boolean, AS_YOU),
  procMount: irrelevant(string, AS_YOU),
  readOnlyRootFilesystem: irrelevant(boolean, "there is no root filesystem of its own"),
  runAsGroup: irrelevant(integer(0), AS_YOU),
  runAsNonRoot: irrelevant(boolean, AS_YOU),
  runAsUser: irrelevant(integer(0), AS_YOU),
  seLinuxOptions: irrelevant(anything, AS_YOU),
  seccompProfile: irrelevant(anything, AS_YOU),
  windowsOptions: irrelevant(anything, AS_YOU),
} as const satisfies Shape;

const containerPort = {
  containerPort: required(integer(1, 65535), "claimed on localhost: two containers cannot have one"),
  name: honoured(
    matching(/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/, "a port name: at most 15 of a-z, 0-9, -"),
  ),
  protocol: honoured(choice("TCP", "UDP", "SCTP"), "only TCP ports are checked to be free"),
  hostIP: irrelevant(string, "every port is on localhost"),
  hostPort: irrelevant(integer(0, 65535), "every port is on localhost"),
} as const satisfies Shape;
const volumeMount = {
  name: required(LABEL),
  mountPath: required(
    ABSOLUTE_PATH,
    "a folder beside the run; what begins with the path in command, args, workingDir and env is pointed at it",
  ),
  subPath: honoured(string),
  subPathExpr: honoured(string),
  readOnly: irrelevant(boolean, "not enforced: the folder belongs to you"),
  recursiveReadOnly: irrelevant(string, "not enforced: the folder belongs to you"),
  mountPropagation: irrelevant(string, "nothing is mounted"),
} as const satisfies Shape;

const container = {
  name: required(LABEL),
  image: required(
    string,
    "outrigger/PATTERN or outrigger-PATTERN starts that package's bin; any other image is not pulled: its command is run here",
  ),
  command: honoured(list(string), "no shell; $(VAR) is expanded"),
  args: honoured(list(string), "no shell; $(VAR) is expanded"),
  workingDir: honoured(string, "inside a volume, or of an image that --image gives a folder"),
  env: honoured(list(object(envVar))),
  envFrom: honoured(list(object(envFrom))),
  ports: honoured(list(object(containerPort))),
  volumeMounts: honoured(list(object(volumeMount))),
  volumeDevices: refused("block devices do not exist on a laptop"),
  startupProbe: honoured(object(probe)),
  livenessProbe: honoured(object(probe)),
  readinessProbe: honoured(object(probe)),
  lifecycle: honoured(object(lifecycle)),
  restartPolicy: honoured(
    choice("Always", "OnFailure", "Never"),
    "Always on an init container makes it a native sidecar; elsewhere it overrides the pod's",
  ),
  restartPolicyRules: refused("not done yet: use restartPolicy"),
  resources: honoured(object(resources), "read by resourceFieldRef, never enforced"),
  resizePolicy: irrelevant(anything, NOT_LIMITED),
  securityContext: irrelevant(object(containerSecurity), AS_YOU),
  imagePullPolicy: irrelevant(choice("Always", "IfNotPresent", "Never"), "no image is pulled"),
  terminationMessagePath: irrelevant(string, "the log shows what a container says last"),
  terminationMessagePolicy: irrelevant(string, "the log shows what a container says last"),
  stdin: refused("standard input is closed here: what reads from it would end at once", false),
  stdinOnce: irrelevant(boolean, "standard input is closed"),
  tty: refused("a container's output is read line by line, it has no terminal", false),
} as const satisfies Shape;

const items = list(
  object({ key: required(string), path: required(string), mode: honoured(integer(0, 0o777)) }),
);
const downwardItems = list(
  object({
    path: required(string),
    fieldRef: honoured(object(fieldSelector)),
    resourceFieldRef: honoured(object(resourceSelector)),
    mode: honoured(integer(0, 0o777)),
  }),
);
const mode = integer(0, 0o777);
const elsewhere = (): ReturnType<typeof honoured<unknown>> => honoured(anything, NEEDS_VOLUME_FLAG);
const volume = {
  name: required(LABEL),
  configMap: honoured(
    object({
      name: required(SUBDOMAIN),
      items: honoured(items),
      defaultMode: honoured(mode),
      optional: honoured(boolean),
    }),
    "laid out as in a cluster (..data); follows the manifest file when it changes",
  ),
  secret: honoured(
    object({
      secretName: required(SUBDOMAIN),
      items: honoured(items),
      defaultMode: honoured(mode),
      optional: honoured(boolean),
    }),
    "as configMap, in a folder that only you can read",
  ),
  downwardAPI: honoured(object({ items: honoured(downwardItems), defaultMode: honoured(mode) })),
  projected: honoured(
    object({
      defaultMode: honoured(mode),
      sources: honoured(
        list(
          object({
            configMap: honoured(
              object({ name: required(SUBDOMAIN), items: honoured(items), optional: honoured(boolean) }),
            ),
            secret: honoured(
              object({ name: required(SUBDOMAIN), items: honoured(items), optional: honoured(boolean) }),
            ),
            downwardAPI: honoured(object({ items: honoured(downwardItems) })),
            serviceAccountToken: refused("there is no API server to issue a token"),
            clusterTrustBundle: refused("there is no API server to ask"),
            podCertificate: refused("there is no API server to sign"),
          }),
        ),
      ),
    }),
  ),
  emptyDir: honoured(
    object({
      medium: irrelevant(string, "a folder, on disk"),
      sizeLimit: irrelevant(quantity, "not enforced"),
    }),
    "a folder that goes when the run ends",
  ),
  hostPath: elsewhere(),
  persistentVolumeClaim: elsewhere(),
  ephemeral: elsewhere(),
  csi: elsewhere(),
  nfs: elsewhere(),
  image: elsewhere(),
  awsElasticBlockStore: elsewhere(),
  azureDisk: elsewhere(),
  azureFile: elsewhere(),
  cephfs: elsewhere(),
  cinder: elsewhere(),
  fc: elsewhere(),
  flexVolume: elsewhere(),
  flocker: elsewhere(),
  gcePersistentDisk: elsewhere(),
  gitRepo: elsewhere(),
  glusterfs: elsewhere(),
  iscsi: elsewhere(),
  photonPersistentDisk: elsewhere(),
  portworxVolume: elsewhere(),
  quobyte: elsewhere(),
  rbd: elsewhere(),
  scaleIO: elsewhere(),
  storageos: elsewhere(),
  vsphereVolume: elsewhere(),
} as const satisfies Shape;

const podSecurity = {
  appArmorProfile: irrelevant(anything, AS_YOU),
  fsGroup: irrelevant(integer(0), AS_YOU),
  fsGroupChangePolicy: irrelevant(string, AS_YOU),
  runAsGroup: irrelevant(integer(0), AS_YOU),
  runAsNonRoot: irrelevant(boolean, AS_YOU),
  runAsUser: irrelevant(integer(0), AS_YOU),
  seLinuxChangePolicy: irrelevant(string, AS_YOU),
  seLinuxOptions: irrelevant(anything, AS_YOU),
  seccompProfile: irrelevant(anything, AS_YOU),
  supplementalGroups: irrelevant(list(integer(0)), AS_YOU),
  supplementalGroupsPolicy: irrelevant(string, AS_YOU),
  sysctls: irrelevant(anything, AS_YOU),
  windowsOptions: irrelevant(anything, AS_YOU),
} as const satisfies Shape;

const podSpec = {
  containers: required(list(object(container))),
  initContainers: honoured(list(object(container)), "in order; restartPolicy Always is a native sidecar"),
  ephemeralContainers: refused("kubectl debug adds these to a running pod; a manifest cannot"),
  volumes: honoured(list(object(volume))),
  restartPolicy: honoured(
    choice("Always", "OnFailure", "Never"),
    "back-off 10s doubling to 5m, --restart-backoff",
  ),
  terminationGracePeriodSeconds: honoured(integer(0), "default 30"),
  activeDeadlineSeconds: honoured(integer(1)),
  hostname: honoured(LABEL, "as the HOSTNAME variable only"),
  hostnameOverride: honoured(SUBDOMAIN, "as the HOSTNAME variable only"),
  nodeName: honoured(string, "as spec.nodeName of a fieldRef"),
  serviceAccountName: honoured(string, "as spec.serviceAccountName of a fieldRef; there is no token"),
  hostAliases: honoured(
    list(object({ ip: required(HOST), hostnames: honoured(list(HOST)) })),
    "in a network namespace of its own; on the laptop's network they are listed as not honoured",
  ),
  hostNetwork: refused(
    "a pattern container beside the node's own ports would serve whoever reaches the node; remove it to run here",
    false,
  ),
  hostPID: irrelevant(boolean, "all processes are the laptop's"),
  hostIPC: irrelevant(boolean, "all processes are the laptop's"),
  hostUsers: irrelevant(boolean, AS_YOU),
  shareProcessNamespace: irrelevant(boolean, "all processes are the laptop's"),
  setHostnameAsFQDN: irrelevant(boolean, "the hostname is the laptop's"),
  subdomain: irrelevant(string, "there is no cluster DNS"),
  dnsPolicy: irrelevant(string, "names resolve as on the laptop"),
  dnsConfig: irrelevant(
    object({
      nameservers: irrelevant(list(string), "names resolve as on the laptop"),
      searches: irrelevant(list(string), "names resolve as on the laptop"),
      options: irrelevant(anything, "names resolve as on the laptop"),
    }),
    "names resolve as on the laptop",
  ),
  enableServiceLinks: irrelevant(boolean, "there are no cluster addresses to link to"),
  securityContext: irrelevant(object(podSecurity), AS_YOU),
  serviceAccount: irrelevant(string, "deprecated"),
  automountServiceAccountToken: irrelevant(boolean, "there is no API server"),
  imagePullSecrets: irrelevant(anything, "no image is pulled"),
  affinity: irrelevant(anything, NOT_SCHEDULED),
  nodeSelector: irrelevant(map(string), NOT_SCHEDULED),
  os: irrelevant(anything, NOT_SCHEDULED),
  overhead: irrelevant(map(quantity), NOT_SCHEDULED),
  preemptionPolicy: irrelevant(string, NOT_SCHEDULED),
  priority: irrelevant(integer(-(2 ** 31)), NOT_SCHEDULED),
  priorityClassName: irrelevant(string, NOT_SCHEDULED),
  readinessGates: irrelevant(anything, "nothing sets conditions here"),
  resourceClaims: irrelevant(anything, NOT_SCHEDULED),
  resources: irrelevant(anything, "nothing is limited on a laptop"),
  runtimeClassName: irrelevant(string, "there is no container runtime"),
  schedulerName: irrelevant(string, NOT_SCHEDULED),
  schedulingGates: irrelevant(anything, NOT_SCHEDULED),
  tolerations: irrelevant(anything, NOT_SCHEDULED),
  topologySpreadConstraints: irrelevant(anything, NOT_SCHEDULED),
  workloadRef: irrelevant(anything, NOT_SCHEDULED),
} as const satisfies Shape;

const metadataOf = {
  generateName: irrelevant(string, "the name is used as it is written"),
  namespace: honoured(LABEL, "default: default"),
  uid: honoured(string, "default: a new one each run"),
  labels: honoured(map(string)),
  annotations: honoured(map(string)),
  creationTimestamp: irrelevant(anything, SERVER_SET),
  deletionGracePeriodSeconds: irrelevant(anything, SERVER_SET),
  deletionTimestamp: irrelevant(anything, SERVER_SET),
  finalizers: irrelevant(anything, SERVER_SET),
  generation: irrelevant(anything, SERVER_SET),
  managedFields: irrelevant(anything, SERVER_SET),
  ownerReferences: irrelevant(anything, SERVER_SET),
  resourceVersion: irrelevant(anything, SERVER_SET),
  selfLink: irrelevant(anything, SERVER_SET),
} as const satisfies Shape;
const metadata = { name: required(SUBDOMAIN), ...metadataOf } as const satisfies Shape;
const templateMetadata = { name: honoured(SUBDOMAIN), ...metadataOf } as const satisfies Shape;
const template = {
  metadata: honoured(object(templateMetadata)),
  spec: required(object(podSpec)),
} as const satisfies Shape;
const head = { apiVersion: required(string), kind: required(string) } as const;
const ONE_POD = "one pod is started";

export const pod = {
  ...head,
  metadata: required(object(metadata)),
  spec: required(object(podSpec)),
  status: irrelevant(anything, SERVER_SET),
} as const satisfies Shape;
export const deployment = {
  ...head,
  metadata: required(object(metadata)),
  spec: required(
    object({
      template: required(object(template)),
      selector: irrelevant(anything, ONE_POD),
      replicas: irrelevant(integer(0), ONE_POD),
      strategy: irrelevant(anything, "there is no rollout"),
      minReadySeconds: irrelevant(integer(0), "there is no rollout"),
      revisionHistoryLimit: irrelevant(integer(0), "there is no rollout"),
      progressDeadlineSeconds: irrelevant(integer(0), "there is no rollout"),
      paused: irrelevant(boolean, "there is no rollout"),
    }),
  ),
  status: irrelevant(anything, SERVER_SET),
} as const satisfies Shape;
export const job = {
  ...head,
  metadata: required(object(metadata)),
  spec: required(
    object({
      template: required(object(template)),
      activeDeadlineSeconds: honoured(integer(1)),
      suspend: refused("a suspended Job starts nothing", false),
      backoffLimit: irrelevant(integer(0), ONE_POD),
      backoffLimitPerIndex: irrelevant(integer(0), ONE_POD),
      completionMode: irrelevant(string, ONE_POD),
      completions: irrelevant(integer(0), ONE_POD),
      managedBy: irrelevant(string, ONE_POD),
      manualSelector: irrelevant(boolean, ONE_POD),
      maxFailedIndexes: irrelevant(integer(0), ONE_POD),
      parallelism: irrelevant(integer(0), ONE_POD),
      podFailurePolicy: irrelevant(anything, ONE_POD),
      podReplacementPolicy: irrelevant(string, ONE_POD),
      selector: irrelevant(anything, ONE_POD),
      successPolicy: irrelevant(anything, ONE_POD),
      ttlSecondsAfterFinished: irrelevant(integer(0), "nothing is kept"),
    }),
  ),
  status: irrelevant(anything, SERVER_SET),
} as const satisfies Shape;
export const configMap = {
  ...head,
  metadata: required(object(metadata)),
  data: honoured(dataOf(content)),
  binaryData: honoured(dataOf(base64), "base64"),
  immutable: irrelevant(boolean, "there is no API server"),
} as const satisfies Shape;
export const secret = {
  ...head,
  metadata: required(object(metadata)),
  data: honoured(dataOf(hidden(base64)), "base64"),
  stringData: honoured(dataOf(hidden(content))),
  type: irrelevant(string, "not checked"),
  immutable: irrelevant(boolean, "there is no API server"),
} as const satisfies Shape;
export const service = {
  ...head,
  metadata: required(object(metadata)),
  spec: honoured(
    object({
      selector: honoured(map(string), "the pods of this run that it names"),
      ports: honoured(
        list(
          object({
            port: required(integer(1, 65535)),
            targetPort: honoured(integerOrString),
            name: honoured(string),
            protocol: honoured(choice("TCP", "UDP", "SCTP")),
            appProtocol: irrelevant(string, "nothing here reads it"),
            nodePort: irrelevant(integer(0, 65535), "there are no nodes"),
          }),
        ),
      ),
      clusterIP: irrelevant(string, "the name resolves to the pod itself"),
      clusterIPs: irrelevant(list(string), "the name resolves to the pod itself"),
      type: irrelevant(string, "there is no load balancer"),
      allocateLoadBalancerNodePorts: irrelevant(anything, "there is no load balancer"),
      externalIPs: irrelevant(anything, "there is no load balancer"),
      externalName: irrelevant(string, "names resolve as on the laptop"),
      externalTrafficPolicy: irrelevant(anything, "there is no load balancer"),
      healthCheckNodePort: irrelevant(anything, "there is no load balancer"),
      internalTrafficPolicy: irrelevant(anything, "there is one pod"),
      ipFamilies: irrelevant(anything, "the pod's own"),
      ipFamilyPolicy: irrelevant(anything, "the pod's own"),
      loadBalancerClass: irrelevant(anything, "there is no load balancer"),
      loadBalancerIP: irrelevant(anything, "there is no load balancer"),
      loadBalancerSourceRanges: irrelevant(anything, "there is no load balancer"),
      publishNotReadyAddresses: irrelevant(boolean, "there is one pod"),
      sessionAffinity: irrelevant(anything, "there is one pod"),
      sessionAffinityConfig: irrelevant(anything, "there is one pod"),
      trafficDistribution: irrelevant(anything, "there is one pod"),
    }),
    "names resolve in a network namespace of its own; elsewhere they are listed as not honoured",
  ),
  status: irrelevant(anything, SERVER_SET),
} as const satisfies Shape;

/** The kinds that are read, with the API version that they must carry. */
export const kinds = {
  Pod: { apiVersion: "v1", shape: pod },
  Deployment: { apiVersion: "apps/v1", shape: deployment },
  Job: { apiVersion: "batch/v1", shape: job },
  ConfigMap: { apiVersion: "v1", shape: configMap },
  Secret: { apiVersion: "v1", shape: secret },
  Service: { apiVersion: "v1", shape: service },
} as const;

/** Kinds that may stand in the same file: they say something to the cluster, and nothing here. */
export const irrelevantKinds: readonly string[] = [
  "ClusterRole",
  "ClusterRoleBinding",
  "HorizontalPodAutoscaler",
  "Ingress",
  "LimitRange",
  "Namespace",
  "NetworkPolicy",
  "PodDisruptionBudget",
  "PriorityClass",
  "ResourceQuota",
  "Role",
  "RoleBinding",
  "ServiceAccount",
];

export type PodManifest = Infer<typeof pod>;
export type DeploymentManifest = Infer<typeof deployment>;
export type JobManifest = Infer<typeof job>;
export type ConfigMapManifest = Infer<typeof configMap>;
export type SecretManifest = Infer<typeof secret>;
export type ServiceManifest = Infer<typeof service>;
export type PodSpec = Infer<typeof podSpec>;
export type ContainerSpec = Infer<typeof container>;
export type EnvVar = Infer<typeof envVar>;
export type ProbeSpec = Infer<typeof probe>;
export type HttpGet = Infer<typeof httpGet>;
export type LifecycleHandler = Infer<typeof lifecycleHandler>;
export type VolumeSpec = Infer<typeof volume>;
export type FieldSelector = Infer<typeof fieldSelector>;
export type ResourceSelector = Infer<typeof resourceSelector>;
