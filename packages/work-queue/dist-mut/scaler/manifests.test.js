/** The manifests for autoscalers in examples/work-queue/k8s say what this code has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createMetrics, parseHostPort, systemClock } from "@outrigger/core";
import { parseYaml } from "@outrigger/core/yaml";
import * as z from "zod";
import { parseWorkQueueConfig } from "../config/config.js";
import { DepthWatch } from "../queue/depth-watch.js";
import { parseScalerMetadata } from "./scaler-metadata.js";
const EXAMPLE = new URL("../../../../examples/work-queue/k8s/", import.meta.url);
const textOf = (name) => readFileSync(new URL(name, EXAMPLE), "utf8");
const documentsOf = (name) => textOf(name)
    .split(/^---\n/m)
    .map((text) => parseYaml(text));
const serviceSchema = z.object({
    kind: z.literal("Service"),
    metadata: z.object({ name: z.string() }),
    spec: z.object({
        selector: z.object({ app: z.string() }),
        ports: z.tuple([z.object({ port: z.number(), targetPort: z.number() })]),
    }),
});
// Strict: a key that KEDA does not know would be dropped without a word. After its documentation of ScaledObject.
const scaledObjectSchema = z.strictObject({
    apiVersion: z.literal("keda.sh/v1alpha1"),
    kind: z.literal("ScaledObject"),
    metadata: z.object({ name: z.string() }),
    spec: z.strictObject({
        scaleTargetRef: z.strictObject({ name: z.string() }),
        minReplicaCount: z.literal(0),
        maxReplicaCount: z.int(),
        pollingInterval: z.int(),
        cooldownPeriod: z.int(),
        triggers: z.tuple([
            z.strictObject({ type: z.literal("external-push"), metadata: z.record(z.string(), z.string()) }),
        ]),
    }),
});
const autoscalerSchema = z.strictObject({
    apiVersion: z.literal("autoscaling/v2"),
    kind: z.literal("HorizontalPodAutoscaler"),
    metadata: z.object({ name: z.string() }),
    spec: z.strictObject({
        scaleTargetRef: z.strictObject({
            apiVersion: z.literal("apps/v1"),
            kind: z.literal("Deployment"),
            name: z.string(),
        }),
        minReplicas: z.int().min(1),
        maxReplicas: z.int(),
        metrics: z.tuple([
            z.strictObject({
                type: z.literal("External"),
                external: z.strictObject({
                    metric: z.strictObject({
                        name: z.string(),
                        selector: z.strictObject({
                            matchExpressions: z.tuple([
                                z.strictObject({ key: z.string(), operator: z.literal("In"), values: z.array(z.string()) }),
                            ]),
                        }),
                    }),
                    target: z.strictObject({ type: z.literal("AverageValue"), averageValue: z.string() }),
                }),
            }),
        ]),
    }),
});
const [service, scaledObject] = documentsOf("keda.yaml");
const [autoscaler] = documentsOf("hpa.yaml");
test("KEDA's trigger says what the scaler takes, and finds it by the Service beside it", () => {
    const { metadata, spec } = serviceSchema.parse(service);
    const { triggers } = scaledObjectSchema.parse(scaledObject).spec;
    assert.equal(parseScalerMetadata(triggers[0].metadata).targetSize, 10);
    const [{ port, targetPort }] = spec.ports;
    const address = parseHostPort(triggers[0].metadata["scalerAddress"]);
    assert.deepEqual(address, { host: `${metadata.name}.default`, port });
    // What its comment says of the fronts.
    const [, flag] = /--scaler=(\S+?),? /.exec(textOf("keda.yaml")) ?? [];
    assert.equal(parseWorkQueueConfig({ backend: "redis://r", role: "front", scaler: flag }).scaler?.port, targetPort);
});
test("the autoscaler without KEDA asks for a metric and states that there are", async () => {
    const { metric } = autoscalerSchema.parse(autoscaler).spec.metrics[0].external;
    const queue = { getJobCounts: async () => ({}), getJobs: async () => [] };
    const blobs = { bytes: async () => 0 };
    const metrics = createMetrics();
    const watch = new DepthWatch({ queue, blobs, clock: systemClock, metrics });
    await watch.start();
    watch.stop();
    const { body } = await metrics.expose();
    const [{ key, values }] = metric.selector.matchExpressions;
    for (const value of values)
        assert.ok(body.includes(`\n${metric.name}{${key}="${value}"} 0\n`), `${metric.name}{${key}="${value}"}`);
    const rule = textOf("hpa.yaml")
        .match(/^# {3}.*$/gm)
        ?.map((line) => line.slice(4))
        .join("\n") ?? "";
    const { externalRules } = z
        .strictObject({
        externalRules: z.tuple([
            z.strictObject({ seriesQuery: z.string(), metricsQuery: z.string(), resources: z.object({}) }),
        ]),
    })
        .parse(parseYaml(rule));
    assert.ok(externalRules[0].seriesQuery.startsWith(`${metric.name}{`));
    assert.ok(externalRules[0].metricsQuery.endsWith(`by (${key})`));
});
test("both scale the same workers, alike", () => {
    const { spec } = scaledObjectSchema.parse(scaledObject);
    const { spec: other } = autoscalerSchema.parse(autoscaler);
    assert.deepEqual([spec.scaleTargetRef.name, spec.maxReplicaCount, spec.triggers[0].metadata["targetSize"]], [other.scaleTargetRef.name, other.maxReplicas, other.metrics[0].external.target.averageValue]);
});
//# sourceMappingURL=manifests.test.js.map