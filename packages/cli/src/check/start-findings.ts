/** Where a pattern's container stands in its pod, and what starts and ends before and after it. */
import { formatDuration, type Milliseconds } from "@outrigger/core";
import { fields } from "../manifest/workload.ts";
import { at } from "./configuration-findings.ts";
import type { Finding } from "./finding.ts";
import { gatesOf } from "./pod.ts";

const KUBERNETES_GRACE_S = 30;
/** For the workload's own end, which begins when its gate has drained. */
const WORKLOAD_END: Milliseconds = 5_000;

export const startFindings: readonly Finding[] = [
  {
    id: "startup-probe-missing",
    severity: "warning",
    sentence: "A pattern as a native sidecar has no startupProbe.",
    why: "The next container starts as soon as the pattern's process is there, before it listens: the first calls are refused.",
    remedy:
      "startupProbe: { httpGet: { path: /startupz, port: 14010 }, periodSeconds: 1, failureThreshold: 60 }",
    *find(pod) {
      for (const { role, value, path, facts } of pod.patterns) {
        if (role === "sidecar" && value["startupProbe"] === undefined)
          yield at(
            pod,
            path,
            `nobody waits until it listens: add startupProbe: { httpGet: { path: /startupz, port: ${facts.probe.port} }, periodSeconds: 1 }`,
          );
      }
    },
  },
  {
    id: "start-not-awaited",
    severity: "warning",
    sentence: "A pattern as an ordinary container is not waited for.",
    why: "The workload starts at the same time, and its first calls are refused. The kubelet starts containers in order, each after the postStart of the one before.",
    remedy:
      "Make it a native sidecar (Kubernetes 1.29), or put it first, with a postStart that waits: outrigger inject --classic writes both.",
    *find(pod) {
      const places = new Map(pod.containers.map(({ path }, index) => [path, index]));
      const workloads = pod.containers.flatMap(({ role, pattern, path }) =>
        role === "main" && pattern === null ? [places.get(path) ?? 0] : [],
      );
      for (const { role, value, path, facts } of pod.patterns) {
        // Behind a gate or a queue the workload may come first.
        if (role !== "main" || facts.routes.every((route) => route.role !== "egress")) continue;
        const first = workloads.every((place) => place > (places.get(path) ?? 0));
        const waits = fields(value["lifecycle"])["postStart"] !== undefined;
        if (workloads.length === 0 || (first && waits)) continue;
        yield at(
          pod,
          path,
          `${first ? "the containers after it do not wait" : "containers before it start first, and do not wait"} until it listens: make it an initContainer with restartPolicy: Always, or put it first with a postStart that waits`,
        );
      }
    },
  },
  {
    id: "init-never-ends",
    severity: "error",
    sentence: "A pattern is an init container without restartPolicy: Always.",
    why: "The kubelet waits for it to end, which it does not: the pod stays in Init.",
    remedy: "Add restartPolicy: Always, which makes it a native sidecar (Kubernetes 1.29).",
    *find(pod) {
      for (const { role, path, name } of pod.patterns) {
        if (role === "init")
          yield at(
            pod,
            path,
            `the pod waits for ${name} to end, which it never does: add restartPolicy: Always`,
          );
      }
    },
  },
  {
    id: "job-never-ends",
    severity: "error",
    sentence: "A pattern is an ordinary container of a pod that is to complete.",
    why: "The pod completes when all its containers have ended: with the pattern it never does.",
    remedy: "Make it a native sidecar: in initContainers, with restartPolicy: Always (Kubernetes 1.29).",
    *find(pod) {
      const { kind } = pod.workload;
      const policy = pod.spec["restartPolicy"];
      const completes =
        kind === "Job" ||
        kind === "CronJob" ||
        (kind === "Pod" && policy !== undefined && policy !== "Always");
      if (!completes) return;
      for (const { role, path, name } of pod.patterns) {
        if (role === "main")
          yield at(
            pod,
            path,
            `the pod completes only when ${name} has ended, too: move it to initContainers, with restartPolicy: Always`,
          );
      }
    },
  },
  {
    id: "grace-too-short",
    severity: "warning",
    sentence: "terminationGracePeriodSeconds is shorter than what a pattern needs to drain.",
    why: "A drain that takes its whole time is cut off by the kubelet, requests in flight with it. Behind a gate the workload's own end begins only when that has drained.",
    remedy:
      "Raise terminationGracePeriodSeconds to --grace (with a gate: 5 s more for the workload's own end), or lower --grace.",
    *find(pod) {
      const written = pod.spec["terminationGracePeriodSeconds"];
      const seconds = typeof written === "number" ? written : KUBERNETES_GRACE_S;
      const gated = new Set(gatesOf(pod).map(({ container }) => container));
      for (const container of pod.patterns) {
        const { grace } = container.facts;
        const needed = Math.ceil((gated.has(container) ? grace + WORKLOAD_END : grace) / 1000);
        if (seconds >= needed) continue;
        const sum = `grace ${formatDuration(grace)}${gated.has(container) ? " until the gate has drained, then the workload's own end" : ""}`;
        yield at(
          pod,
          written === undefined ? pod.specPath : [...pod.specPath, "terminationGracePeriodSeconds"],
          `${written === undefined ? "terminationGracePeriodSeconds is 30 where it is not written" : `found ${seconds}`}, ${container.name} needs ${needed} (${sum}): write ${needed} or more, or lower --grace`,
        );
      }
    },
  },
];
