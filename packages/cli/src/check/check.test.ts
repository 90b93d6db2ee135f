/** One pod in which nothing is wrong, and what is found when a line of it is another. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { checkManifests, formatFound } from "./check.ts";
import { FINDINGS } from "./findings.ts";
import { factsOf, type AskPattern } from "./pattern-facts.ts";

/** As outrigger inject writes it, shortened: an egress route by an old name, a gate, a Service that points to the gate. */
const WELL = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata:
      labels: { app: shop }
      annotations:
        outrigger.dev/ambassador: "8001=http://catalog:8001"
    spec:
      terminationGracePeriodSeconds: 30
      hostAliases:
        - ip: 127.0.0.1
          hostnames: [catalog]
      initContainers:
        - name: migrate
          image: acme/migrate:1
        - name: outrigger-ambassador
          image: ghcr.io/outrigger/ambassador:0.1.0
          restartPolicy: Always
          args:
            - --route=8001=http://catalog:8001
            - --route=0.0.0.0:8080=http://127.0.0.1:3000?role=ingress
          ports:
            - { name: probe-14010, containerPort: 14010 }
            - { name: gate-8080, containerPort: 8080 }
          startupProbe: { httpGet: { path: /startupz, port: 14010 }, periodSeconds: 1 }
          readinessProbe: { httpGet: { path: /readyz, port: 14010 } }
          livenessProbe: { httpGet: { path: /livez, port: 14010 } }
      containers:
        - name: web
          image: acme/shop:1
          ports:
            - { name: web, containerPort: 3000 }
          readinessProbe: { httpGet: { path: /ready, port: web } }
          livenessProbe: { tcpSocket: { port: 3000 } }
          lifecycle:
            preStop:
              httpGet: { path: /drain, port: 14010, httpHeaders: [{ name: x-outrigger-drain, value: preStop }] }
        - name: log
          image: acme/log:1
---
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  selector: { app: shop }
  ports:
    - { port: 80, targetPort: 8080 }
`;

type Edit = readonly [from: string, to: string];
interface Case {
  readonly edits: readonly Edit[];
  /** The paths where it is, in order; none: nothing is found. */
  readonly at?: readonly string[];
  readonly message?: RegExp;
  /** What the same edits make wrong besides. */
  readonly also?: readonly string[];
}

const PRE_STOP = `          lifecycle:
            preStop:
              httpGet: { path: /drain, port: 14010, httpHeaders: [{ name: x-outrigger-drain, value: preStop }] }
`;
const CONTAINERS = "spec.template.spec.containers";
const SIDECAR = "spec.template.spec.initContainers[1]";
const ROUTE = "--route=8001=http://catalog:8001";
const STARTUP = "          startupProbe: { httpGet: { path: /startupz, port: 14010 }, periodSeconds: 1 }\n";
/** The sidecar's configuration in a ConfigMap. */
const MOUNTED: readonly Edit[] = [
  [`            - ${ROUTE}\n`, "            - --config=/etc/outrigger/ambassador.yaml\n"],
  ["            - --route=0.0.0.0:8080=http://127.0.0.1:3000?role=ingress\n", ""],
  [STARTUP, `          volumeMounts: [{ name: config, mountPath: /etc/outrigger }]\n${STARTUP}`],
  [
    "      hostAliases:",
    "      volumes: [{ name: config, configMap: { name: routes } }]\n      hostAliases:",
  ],
];
const configMap = (text: string): Edit => [
  "---\n",
  `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: routes }\ndata:\n  ambassador.yaml: |\n    # the world\n${text}---\n`,
];
const OUR_ROUTES = `    routes:
      - { listen: 8001, protocol: http, endpoints: ["catalog:8001"] }
      - { listen: "0.0.0.0:8080", protocol: http, role: ingress, endpoints: ["127.0.0.1:3000"] }
`;
/** The same containers as an ordinary pod's. */
const CLASSIC: readonly Edit[] = [
  ["        - name: outrigger-ambassador", "      containers:\n        - name: outrigger-ambassador"],
  [
    "          restartPolicy: Always\n",
    "          lifecycle: { postStart: { exec: { command: [/nodejs/bin/node, /outrigger/dist/main.mjs, --await-started] } } }\n",
  ],
  ["      containers:\n        - name: web", "        - name: web"],
];
const job = (kind: "Job" | "CronJob"): readonly Edit[] => [
  ["apiVersion: apps/v1\nkind: Deployment", `apiVersion: batch/v1\nkind: ${kind}`],
];
const KUBERNETES: Edit = [ROUTE, "--route=8001=http://catalog:8001?discovery=kubernetes"];
const ELSEWHERE: Edit = [ROUTE, "--route=8001=http://catalog.shop:8001?discovery=kubernetes"];
const rights = (
  verbs: string,
  subject: string,
  kind = "ServiceAccount",
  namespace = "default",
  bound = "default",
): Edit => [
  "---\n",
  `---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: watcher, namespace: ${namespace} }
rules:
  - { apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: ${verbs} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: watcher, namespace: ${bound} }
subjects: [{ kind: ${kind}, name: ${subject}, namespace: default }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher }
---
`,
];

const CASES: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  configuration: {
    "an option of a route that does not exist": {
      edits: [[ROUTE, `${ROUTE}?retriez=2`]],
      at: [`${SIDECAR}.args`],
      message: /routes\[0\]\.retriez: unknown key \(did you mean retries\?\)/,
    },
    "a flag that does not exist": {
      edits: [[ROUTE, "--rout=x"]],
      at: [`${SIDECAR}.args`],
      message: /^--rout: unknown flag/,
    },
    "a route on the pattern's own control port": {
      edits: [[ROUTE, "--route=14011=http://catalog:8001"]],
      at: [`${SIDECAR}.args`],
    },
    "two keys of the mounted ConfigMap, each at its own line": {
      edits: [
        ...MOUNTED,
        configMap(
          `${OUR_ROUTES.replace("]", "], retriez: 2").replace('"catalog:8001"], retriez: 2', '"catalog:8001"], retriez: 2')}    grase: 3s\n`,
        ),
      ],
      at: ['data["ambassador.yaml"]', 'data["ambassador.yaml"]'],
      message: /^line 3: routes\[0\]\.retriez|^line 5: grase/,
    },
    "but not the keys that it has": { edits: [...MOUNTED, configMap(`${OUR_ROUTES}    grace: 20s\n`)] },
    "nor a variable's route": {
      edits: [
        [`            - ${ROUTE}\n`, "            - --route=$(WORLD)\n"],
        [STARTUP, `          env: [{ name: WORLD, value: "8001=http://catalog:8001" }]\n${STARTUP}`],
      ],
    },
    "nor is code run that a variable names": {
      edits: [
        [
          STARTUP,
          `          env: [{ name: NODE_OPTIONS, value: "--import=data:text/javascript,process.exit(2)" }]\n${STARTUP}`,
        ],
      ],
    },
  },
  "not-checked": {
    "a ConfigMap that is not in the input": {
      edits: MOUNTED,
      at: [SIDECAR],
      message: /ambassador\.yaml is in no ConfigMap of the input/,
    },
    "a variable from a Secret that decides": {
      edits: [
        [
          STARTUP,
          `          env: [{ name: OUTRIGGER_GRACE, valueFrom: { secretKeyRef: { name: a, key: b } } }]\n${STARTUP}`,
        ],
      ],
      at: [SIDECAR],
      message: /the value of its variable OUTRIGGER_GRACE is not in the input/,
    },
    "but not one that does not": {
      edits: [
        [
          STARTUP,
          `          env: [{ name: PASSWORD, valueFrom: { secretKeyRef: { name: a, key: b } } }]\n${STARTUP}`,
        ],
      ],
    },
  },
  "unknown-annotation": {
    "a slip of the pen": {
      edits: [["outrigger.dev/ambassador:", "outrigger.dev/ambasador:"]],
      at: ['spec.template.metadata.annotations["outrigger.dev/ambasador"]'],
      message: /did you mean ambassador/,
    },
    "on the Deployment, too": {
      edits: [["  name: shop\nspec:", "  name: shop\n  annotations: { outrigger.dev/gates: x }\nspec:"]],
      at: ['metadata.annotations["outrigger.dev/gates"]'],
    },
    "but not somebody else's": { edits: [["outrigger.dev/ambassador:", "acme.dev/ambasador:"]] },
  },
  "port-collision": {
    "the workload on the gate's port": {
      edits: [
        [
          "{ name: web, containerPort: 3000 }",
          "{ name: web, containerPort: 3000 }\n            - containerPort: 8080",
        ],
      ],
      at: [`${CONTAINERS}[0].ports[1].containerPort`],
      message:
        /the containerPort of web is \S*8080, and so is the route 0\.0\.0\.0:8080=\S+ of outrigger-ambassador/,
    },
    "a workload on the probe port": {
      edits: [
        [
          "          image: acme/log:1",
          "          image: acme/log:1\n          ports: [{ containerPort: 14010 }]",
        ],
      ],
      at: [`${CONTAINERS}[1].ports[0].containerPort`],
    },
    "two workloads on one port": {
      edits: [
        [
          "          image: acme/log:1",
          "          image: acme/log:1\n          ports: [{ containerPort: 3000 }]",
        ],
      ],
      at: [`${CONTAINERS}[1].ports[0].containerPort`],
    },
    "a gate on the port that it aims at, which no containerPort declares": {
      edits: [
        [
          "            - { name: web, containerPort: 3000 }\n",
          "            - { name: other, containerPort: 3001 }\n",
        ],
        ["port: web } }", "port: other } }"],
        ["=http://127.0.0.1:3000?", "=http://127.0.0.1:8080?"],
        ["        - name: log\n          image: acme/log:1\n", ""],
        ["tcpSocket: { port: 3000 }", "tcpSocket: { port: 3001 }"],
      ],
      at: [`${SIDECAR}.args`],
      also: ["service-bypasses-gate"],
      message: /listens on the port that it aims at, and would call itself/,
    },
    "a route on the port of the workload behind the gate, which no containerPort declares": {
      edits: [
        [
          "            - { name: web, containerPort: 3000 }\n",
          "            - { name: other, containerPort: 3001 }\n",
        ],
        ["port: web } }", "port: other } }"],
        ["=http://127.0.0.1:3000?", "=http://127.0.0.1:8001?"],
        ["        - name: log\n          image: acme/log:1\n", ""],
        ["tcpSocket: { port: 3000 }", "tcpSocket: { port: 3001 }"],
      ],
      at: [`${SIDECAR}.args`],
      message: /8001=\S+ listens on the port of the workload behind the gate 0\.0\.0\.0:8080=/,
    },
    "but not UDP beside TCP": {
      edits: [
        [
          "          image: acme/log:1",
          "          image: acme/log:1\n          ports: [{ containerPort: 3000, protocol: UDP }]",
        ],
      ],
    },
    "nor the port of an init container that has ended": {
      edits: [
        [
          "          image: acme/migrate:1",
          "          image: acme/migrate:1\n          ports: [{ containerPort: 8080 }]",
        ],
      ],
    },
    "nor one port of a workload by two names": {
      edits: [
        [
          "{ name: web, containerPort: 3000 }",
          "{ name: web, containerPort: 3000 }\n            - { name: metrics, containerPort: 3000 }",
        ],
      ],
    },
    "nor 127.0.0.2 beside loopback": {
      edits: [
        [
          "            - --route=0.0.0.0:8080",
          "            - --route=127.0.0.2:8001=http://other:8001\n            - --route=0.0.0.0:8080",
        ],
      ],
    },
  },
  "host-network": {
    "a pattern in the node's network": {
      edits: [["      hostAliases:", "      hostNetwork: true\n      hostAliases:"]],
      at: ["spec.template.spec.hostNetwork"],
    },
    "but not where it is allowed": {
      edits: [
        ["      hostAliases:", "      hostNetwork: true\n      hostAliases:"],
        [ROUTE, `${ROUTE}\n            - --allow-host-network`],
      ],
    },
  },
  "pattern-probe-port": {
    "a data port": {
      edits: [["path: /readyz, port: 14010", "path: /readyz, port: 8080"]],
      at: [`${SIDECAR}.readinessProbe.httpGet.port`],
      message: /^found 8080, its probe port is 14010: write 14010$/,
    },
    "a name that it does not have": {
      edits: [["path: /livez, port: 14010", "path: /livez, port: probe"]],
      at: [`${SIDECAR}.livenessProbe.httpGet.port`],
      message: /which no containerPort of it is called/,
    },
    "where the probe port was moved": {
      also: ["gate-pre-stop-port"],
      edits: [[ROUTE, `${ROUTE}\n            - --probe=15000`]],
      at: ["startup", "readiness", "liveness"].map((kind) => `${SIDECAR}.${kind}Probe.httpGet.port`),
    },
    "but not the name of the probe port": {
      edits: [["path: /livez, port: 14010", "path: /livez, port: probe-14010"]],
    },
  },
  "pattern-probe-path": {
    "a path that it does not serve": {
      edits: [["path: /readyz", "path: /healthz"]],
      at: [`${SIDECAR}.readinessProbe.httpGet.path`],
      message: /found "\/healthz", accepted for a readinessProbe: \/readyz/,
    },
    "liveness that asks for readiness": {
      edits: [["path: /livez", "path: /readyz"]],
      at: [`${SIDECAR}.livenessProbe.httpGet.path`],
    },
    "but not /readyz?verbose for readiness": { edits: [["path: /readyz", "path: /readyz?verbose"]] },
  },
  "pattern-probe-exec": {
    "curl, which is not there": {
      edits: [
        [
          "livenessProbe: { httpGet: { path: /livez, port: 14010 } }",
          "livenessProbe: { exec: { command: [curl, localhost:14010/livez] } }",
        ],
      ],
      at: [`${SIDECAR}.livenessProbe.exec`],
      message: /the image has no "curl", only Node/,
    },
    "but not Node": {
      edits: [
        [
          "livenessProbe: { httpGet: { path: /livez, port: 14010 } }",
          "livenessProbe: { exec: { command: [/nodejs/bin/node, -e, '0'] } }",
        ],
      ],
    },
  },
  "probe-host": {
    "a probe": {
      edits: [["path: /livez, port", "host: 127.0.0.1, path: /livez, port"]],
      at: [`${SIDECAR}.livenessProbe.httpGet.host`],
    },
    "a preStop": {
      edits: [["path: /drain,", "host: localhost, path: /drain,"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet.host`],
    },
    "but not a host elsewhere": {
      edits: [["path: /ready, port: web", "host: health.example, path: /ready, port: web"]],
    },
  },
  "probe-on-loopback": {
    "a probe server for nobody": {
      edits: [[ROUTE, `${ROUTE}\n            - --probe=127.0.0.1:14010`]],
      at: [`${SIDECAR}.startupProbe.httpGet`],
    },
    "but not on every address": { edits: [[ROUTE, `${ROUTE}\n            - --probe=0.0.0.0:14010`]] },
  },
  "gate-startup-deadlock": {
    "the gate waits for the workload, which waits for the gate": {
      edits: [["path: /startupz", "path: /readyz"]],
      at: [`${SIDECAR}.startupProbe.httpGet.path`],
    },
    "but not without a gate": {
      edits: [
        ["path: /startupz", "path: /readyz"],
        ["            - --route=0.0.0.0:8080=http://127.0.0.1:3000?role=ingress\n", ""],
      ],
    },
  },
  "workload-probe-on-route": {
    "readiness of a service elsewhere": {
      edits: [["path: /ready, port: web", "path: /ready, port: 8001"]],
      at: [`${CONTAINERS}[0].readinessProbe.httpGet.port`],
    },
    "but not readiness through the gate": {
      edits: [["path: /ready, port: web", "path: /ready, port: 8080"]],
    },
  },
  "workload-probe-on-pattern": {
    "the ambassador's liveness": {
      edits: [["tcpSocket: { port: 3000 }", "httpGet: { path: /livez, port: 14010 }"]],
      at: [`${CONTAINERS}[0].livenessProbe.httpGet.port`],
    },
    "but not the same path on its own port": {
      edits: [["tcpSocket: { port: 3000 }", "httpGet: { path: /livez, port: 3000 }"]],
    },
  },
  "liveness-through-gate": {
    "held while the workload restarts": {
      edits: [["tcpSocket: { port: 3000 }", "httpGet: { path: /, port: 8080 }"]],
      at: [`${CONTAINERS}[0].livenessProbe.httpGet.port`],
      message: /write 3000$/,
    },
    "but not a startupProbe": {
      edits: [
        [
          "livenessProbe: { tcpSocket: { port: 3000 } }",
          "startupProbe: { httpGet: { path: /, port: 8080 } }",
        ],
      ],
    },
  },
  "startup-probe-missing": {
    "a native sidecar that nobody waits for": { edits: [[STARTUP, ""]], at: [SIDECAR] },
    "but not an ordinary container, which others wait for by its postStart": {
      edits: [...CLASSIC, [STARTUP, ""]],
    },
  },
  "start-not-awaited": {
    "an ordinary container without postStart": {
      edits: [
        ...CLASSIC,
        [
          "          lifecycle: { postStart: { exec: { command: [/nodejs/bin/node, /outrigger/dist/main.mjs, --await-started] } } }\n",
          "",
        ],
      ],
      at: [`${CONTAINERS}[0]`],
      message: /^the containers after it do not wait/,
    },
    "one that is not the first": {
      edits: [
        ...CLASSIC,
        ["      containers:\n", "      containers:\n        - { name: early, image: acme/early:1 }\n"],
      ],
      at: [`${CONTAINERS}[1]`],
      message: /^containers before it start first/,
    },
    "but not the first, with a postStart": { edits: CLASSIC },
  },
  "init-never-ends": {
    "no restartPolicy": { edits: [["          restartPolicy: Always\n", ""]], at: [SIDECAR] },
    "but not with Always": { edits: [["restartPolicy: Always", 'restartPolicy: "Always"']] },
  },
  "job-never-ends": {
    "an ordinary container of a Job": { edits: [...CLASSIC, ...job("Job")], at: [`${CONTAINERS}[0]`] },
    "but not a native sidecar of one": { edits: job("Job") },
    "nor an ordinary one of a Deployment": { edits: CLASSIC },
  },
  "grace-too-short": {
    "the grace of a gate, and the end of its workload": {
      edits: [["PeriodSeconds: 30", "PeriodSeconds: 29"]],
      at: ["spec.template.spec.terminationGracePeriodSeconds"],
      message: /needs 30 \(grace 25s until the gate has drained, then the workload's own end\)/,
    },
    "not written, and a longer grace": {
      edits: [
        ["      terminationGracePeriodSeconds: 30\n", ""],
        [ROUTE, `${ROUTE}\n            - --grace=40s`],
      ],
      at: ["spec.template.spec"],
    },
    "but not as long as it takes": { edits: [["      terminationGracePeriodSeconds: 30\n", ""]] },
    "nor grace alone where there is no gate": {
      edits: [
        ["PeriodSeconds: 30", "PeriodSeconds: 25"],
        ["            - --route=0.0.0.0:8080=http://127.0.0.1:3000?role=ingress\n", ""],
      ],
    },
  },
  "gate-pre-stop-missing": {
    none: {
      edits: [[PRE_STOP, ""]],
      at: [`${CONTAINERS}[0]`],
      message: /add httpGet: \{ path: \/drain, port: 14010, /,
    },
    "one that only waits": {
      edits: [[PRE_STOP, "          lifecycle: { preStop: { exec: { command: [sleep, '10'] } } }\n"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop`],
    },
    "none, and nobody says who listens behind the gate": {
      edits: [
        [PRE_STOP, ""],
        ["          ports:\n            - { name: web, containerPort: 3000 }\n", ""],
        ["port: web", "port: 3000"],
      ],
      at: [CONTAINERS],
    },
    "but not one of somebody who does not say that it listens there": {
      edits: [
        ["          ports:\n            - { name: web, containerPort: 3000 }\n", ""],
        ["port: web", "port: 3000"],
      ],
    },
    "once for two gates": {
      edits: [
        [PRE_STOP, ""],
        [
          "            - --route=0.0.0.0:8080",
          "            - --route=0.0.0.0:8081=http://127.0.0.1:3000?role=ingress\n            - --route=0.0.0.0:8080",
        ],
      ],
      at: [`${CONTAINERS}[0]`],
    },
    "but not one that calls /drain its own way": {
      edits: [
        [
          PRE_STOP,
          "          lifecycle: { preStop: { exec: { command: [sh, -c, 'curl -H x-outrigger-drain:preStop localhost:14010/drain; ./bye'] } } }\n",
        ],
      ],
    },
    "nor a pod without a gate": {
      edits: [
        [PRE_STOP, ""],
        ["?role=ingress", "?role=egress"],
      ],
    },
  },
  "gate-pre-stop-path": {
    "another path": {
      edits: [["path: /drain", "path: /quitquitquit"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet.path`],
    },
    "but not a query": { edits: [["path: /drain", "path: /drain?from=kubelet"]] },
  },
  "gate-pre-stop-port": {
    "by a name, which is the workload's": {
      edits: [["path: /drain, port: 14010", "path: /drain, port: probe-14010"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet.port`],
      message: /a name that is looked up in this container/,
    },
    "the gate's data port": {
      edits: [["path: /drain, port: 14010", "path: /drain, port: 8080"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet.port`],
    },
    "but not a probe port that was moved with it": {
      edits: [
        ["path: /drain, port: 14010", "path: /drain, port: 15010"],
        [ROUTE, `${ROUTE}\n            - --probe=15010`],
        ["path: /startupz, port: 14010", "path: /startupz, port: 15010"],
        ["path: /readyz, port: 14010", "path: /readyz, port: 15010"],
        ["path: /livez, port: 14010", "path: /livez, port: 15010"],
      ],
    },
  },
  "gate-pre-stop-token": {
    "no header": {
      edits: [[", httpHeaders: [{ name: x-outrigger-drain, value: preStop }]", ""]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet`],
    },
    "another token": {
      edits: [["value: preStop", "value: letmein"]],
      at: [`${CONTAINERS}[0].lifecycle.preStop.httpGet.httpHeaders[0].value`],
      message: /^(?!.*letmein)/,
    },
    "but not another case of the header": { edits: [["name: x-outrigger-drain", "name: X-Outrigger-Drain"]] },
  },
  "gate-pre-stop-place": {
    "on the gate itself": {
      edits: [
        [STARTUP, "          lifecycle: { preStop: { httpGet: { path: /drain, port: 14010 } } }\n" + STARTUP],
      ],
      at: [`${SIDECAR}.lifecycle.preStop`],
    },
    "but not another hook of the gate": {
      edits: [[STARTUP, "          lifecycle: { preStop: { sleep: { seconds: 2 } } }\n" + STARTUP]],
    },
  },
  "gate-on-loopback": {
    "no host": { edits: [["--route=0.0.0.0:8080", "--route=8080"]], at: [SIDECAR] },
    "but not every IPv6 address": { edits: [["--route=0.0.0.0:8080", "--route=[::]:8080"]] },
  },
  "service-bypasses-gate": {
    "by number": {
      edits: [["targetPort: 8080", "targetPort: 3000"]],
      at: ["spec.ports[0].targetPort"],
      message: /^3000 is the workload's own port, past the gate: write targetPort: 8080$/,
    },
    "by name": { edits: [["targetPort: 8080", "targetPort: web"]], at: ["spec.ports[0].targetPort"] },
    "by the port itself": {
      edits: [["port: 80, targetPort: 8080", "port: 3000"]],
      at: ["spec.ports[0]"],
    },
    "but not of another app": {
      edits: [
        ["targetPort: 8080", "targetPort: 3000"],
        ["selector: { app: shop }\n  ports", "selector: { app: other }\n  ports"],
      ],
    },
    "nor the gate's port by its name": { edits: [["targetPort: 8080", "targetPort: gate-8080"]] },
    "nor a Service that selects nothing": {
      edits: [
        ["targetPort: 8080", "targetPort: 3000"],
        ["  selector: { app: shop }\n  ports", "  ports"],
      ],
    },
    "nor in another namespace": {
      edits: [
        ["targetPort: 8080", "targetPort: 3000"],
        ["kind: Service\nmetadata:\n", "kind: Service\nmetadata:\n  namespace: other\n"],
      ],
    },
  },
  "host-alias-loop": {
    "the ambassador would call itself": {
      edits: [[ROUTE, `${ROUTE}?discovery=static`]],
      at: ["spec.template.spec.hostAliases[0].hostnames[0]"],
      message: /outrigger-ambassador would call itself/,
    },
    "or its own pod": {
      edits: [[ROUTE, "--route=8002=http://Catalog.:8001?discovery=static"]],
      at: ["spec.template.spec.hostAliases[0].hostnames[0]"],
      message: /would call port 8001 of this pod/,
    },
    "but not by dns": { edits: [[ROUTE, `${ROUTE}?discovery=dns`]] },
    "nor a gate, whose workload is in the pod": {
      edits: [["=http://127.0.0.1:3000?role=ingress", "=http://catalog:3000?role=ingress&discovery=static"]],
    },
    "nor an alias to another address": {
      edits: [
        [ROUTE, `${ROUTE}?discovery=static`],
        ["ip: 127.0.0.1", "ip: 10.0.0.7"],
      ],
    },
  },
};

/** Many of the pods above have the same sidecar, whose program takes a fifth of a second each time. */
const answers = new Map<string, ReturnType<AskPattern>>();
const askOnce: AskPattern = (pattern, words) => {
  const { args, environment, config, unknown } = words;
  const key = JSON.stringify([pattern, args, [...environment], config?.text, unknown]);
  const answer = answers.get(key) ?? factsOf(pattern, words);
  answers.set(key, answer);
  return answer;
};

for (const [id, cases] of Object.entries(CASES)) {
  for (const [sentence, { edits, at = [], message, also = [] }] of Object.entries(cases)) {
    test(`${id}: ${sentence}`, async () => {
      const { found } = await checkManifests([{ file: "shop.yaml", text: edited(edits) }], askOnce);
      const ours = found.filter((each) => each.id === id);
      assert.deepEqual(
        ours.map(({ path }) => path),
        at,
        JSON.stringify(found, null, 2),
      );
      if (message) for (const each of ours) assert.match(each.message, message);
      const others = found.filter((each) => each.id !== id).map((each) => each.id);
      assert.deepEqual(others, also);
    });
  }
}

function edited(edits: readonly Edit[]): string {
  let text = WELL;
  for (const [from, to] of edits) {
    assert.ok(text.includes(from), `the pod has no ${JSON.stringify(from)}`);
    text = text.replace(from, () => to);
  }
  return text;
}

for (const [sentence, edits, found] of [
  ["nobody gives any", [KUBERNETES], true],
  ["one verb is missing", [KUBERNETES, rights("[get, list]", "default")], true],
  ["they are a user's", [KUBERNETES, rights("[get, list, watch]", "default", "User")], true],
  [
    "the Role is of another namespace",
    [KUBERNETES, rights("[get, list, watch]", "default", "ServiceAccount", "other")],
    true,
  ],
  ["they are another account's", [KUBERNETES, rights("[get, list, watch]", "other")], true],
  [
    "but not where a Role and its RoleBinding give them",
    [KUBERNETES, rights("[get, list, watch]", "default")],
    false,
  ],
  [
    "they are of the pod's namespace, and the Service is in another",
    [ELSEWHERE, rights("[get, list, watch]", "default")],
    "shop",
  ],
  [
    "the binding is of another namespace than the Service",
    [KUBERNETES, rights("[get, list, watch]", "default", "ServiceAccount", "shop", "shop")],
    true,
  ],
  [
    "but not where they are of the Service's namespace",
    [ELSEWHERE, rights("[get, list, watch]", "default", "ServiceAccount", "shop", "shop")],
    false,
  ],
  ["nor where they give all", [KUBERNETES, rights('["*"]', "default")], false],
  ["nor for another discovery", [], false],
] as const) {
  test(`rights-missing: ${sentence}`, async () => {
    const result = await checkManifests([{ file: "shop.yaml", text: edited(edits) }], askOnce);
    const first = result.found.find(({ id }) => id === "rights-missing");
    assert.equal(first !== undefined, found !== false);
    if (typeof found === "string")
      assert.match(first?.message ?? "", /needs rights in namespace shop .* both in namespace shop/);
    if (first)
      assert.match(
        first.message,
        /the ServiceAccount default of namespace default: a Role with apiGroups: \["discovery.k8s.io"\], resources: \["endpointslices"\], verbs: \["get", "list", "watch"\]/,
      );
  });
}

test("every finding has a manifest that has it, and a near miss that has not", () => {
  // Those of one pattern alone: leader-elector.test.ts, work-queue.test.ts.
  const tried = new Set([
    ...Object.keys(CASES),
    "rights-missing",
    "readiness-is-leader",
    "lease-rights-missing",
    ...FINDINGS.map(({ id }) => id).filter((id) => /^queue-|^service-bypasses-queue$/.test(id)),
  ]);
  assert.deepEqual(
    FINDINGS.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  );
  for (const [id, cases] of Object.entries(CASES)) {
    const all = Object.values(cases);
    assert.ok(all.some(({ at }) => at !== undefined) && all.some(({ at }) => at === undefined), id);
  }
});

test("the lines that README.md shows are those of this pod with two slips", async () => {
  const text = edited([
    ["path: /readyz, port: 14010", "path: /readyz, port: 8080"],
    ["targetPort: 8080", "targetPort: 3000"],
  ]);
  const { found } = await checkManifests([{ file: "shop.yaml", text }], askOnce);
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const lines = found.map((each) => `${formatFound(each)}\n`).join("");
  assert.ok(readme.includes(`\`\`\`\n${lines}\`\`\`\n`), lines);
});

test("the pods of examples/ have no finding", async () => {
  for (const [name, count] of [
    ["ambassador-http/pod.yaml", 1],
    ["leader-elector/pod.yaml", 3],
    ["leader-elector/deployment.yaml", 1],
    ["work-queue/pod.yaml", 1],
    ["work-queue/deployment.yaml", 2],
  ] as const) {
    const file = fileURLToPath(new URL(`../../../../examples/${name}`, import.meta.url));
    const { found, patterns } = await checkManifests([{ file, text: readFileSync(file, "utf8") }]);
    assert.deepEqual([found, patterns], [[], count], name);
  }
});

test("whatever stands in the place of a value, it ends with findings, and each has a place", async () => {
  const documents = parseAllDocuments(WELL).map((document) => document.toJS() as unknown);
  const nothingAsked: AskPattern = (pattern, words) => factsOf(pattern, { ...words, unknown: "not asked" });
  const values = fc.oneof(
    fc.constantFrom(null, "", 0, -1, true, [], {}, "8080", "127.0.0.1", 14_010, "Always", "/drain"),
    fc.jsonValue(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), values), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const tree = structuredClone(documents);
        for (const [place, value] of changes) {
          const slots = slotsOf(tree);
          slots[place % slots.length]?.(value);
        }
        const text = tree.map((each) => JSON.stringify(each)).join("\n---\n");
        const { found } = await checkManifests([{ file: "a", text }], nothingAsked);
        for (const { line, column, message } of found) assert.ok(line > 0 && column > 0 && message !== "");
      },
    ),
    { numRuns: 300 },
  );
});

/** A setter of each value in a tree. */
function slotsOf(node: unknown): ((value: unknown) => void)[] {
  if (typeof node !== "object" || node === null) return [];
  const holder = node as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [
    (value: unknown) => void (holder[key] = value),
    ...slotsOf(holder[key]),
  ]);
}
