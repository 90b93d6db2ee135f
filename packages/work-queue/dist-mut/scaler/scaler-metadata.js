/** What a ScaledObject's trigger says to the scaler: `metadata` of type external or external-push. */
import { OutriggerError } from "@outrigger/core";
const DEFAULT_TARGET_SIZE = 10;
/** Said to KEDA itself; it passes them on. */
const KEDAS = new Set([
    "scalerAddress",
    "enableTLS",
    "unsafeSsl",
    "tlsCertFile",
    "caCert",
    "tlsClientCert",
    "tlsClientKey",
]);
/** @throws OutriggerError `bad-metadata`, with every problem in its message */
export function parseScalerMetadata(metadata) {
    const problems = [];
    for (const key of Object.keys(metadata))
        if (key !== "targetSize" && !KEDAS.has(key))
            problems.push(`${JSON.stringify(shortened(key))} is not known: accepted: targetSize; remove it`);
    const { targetSize = String(DEFAULT_TARGET_SIZE) } = metadata;
    if (!/^[1-9]\d{0,6}$/.test(targetSize))
        problems.push(`targetSize is ${JSON.stringify(shortened(targetSize))}: accepted: jobs for each worker, a whole number from 1 to 9999999, in quotes`);
    if (problems.length > 0)
        throw new OutriggerError("bad-metadata", `the trigger's metadata: ${problems.slice(0, 5).join("; ")}`);
    return { targetSize: Number(targetSize) };
}
const shortened = (text) => (text.length > 60 ? `${text.slice(0, 60)}...` : text);
//# sourceMappingURL=scaler-metadata.js.map