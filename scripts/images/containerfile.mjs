/** The Containerfile of a pattern: the same for all but for its name, its words and its port. */
import { IMAGE_NODE } from "../node-binary.mjs";

/** Only Node and its libraries; `npm run images -- --local-base` puts one in its place that is made without a registry. */
export const PUBLIC_BASE = `gcr.io/distroless/nodejs${IMAGE_NODE}-debian12:nonroot`;

/** Where both bases have Node. */
export const NODE = "/nodejs/bin/node";

/** With Node in it: for a leader-elector's child, and for images built FROM one of ours. The distroless base has it not. */
const PATH = "/nodejs/bin:/usr/local/bin:/usr/bin:/bin";

/** Nobody's user: it owns no file of the image. */
export const UID = 65532;

/** Half of the memory limit for V8's heap: the other half is buffers, code and stacks. */
const HEAP = "--max-old-space-size-percentage=50";

/** @param {{ name: string, manifest: { version: string, description: string, license: string }, probePort: number }} pattern */
export function containerfile({ name, manifest, probePort }) {
  const label = (key, value) => `org.opencontainers.image.${key}=${JSON.stringify(value)}`;
  return `# Written by npm run generate. npm run images fills rootfs/ (the bundle, licences, SBOM) and builds this.
ARG BASE_IMAGE=${PUBLIC_BASE}
FROM \${BASE_IMAGE}
LABEL ${label("title", `outrigger-${name}`)} \\
      ${label("description", manifest.description)} \\
      ${label("version", manifest.version)} \\
      ${label("licenses", manifest.license)} \\
      ${label("vendor", "Outrigger")}
ENV PATH=${PATH}
COPY rootfs/ /
USER ${UID}:${UID}
WORKDIR /
EXPOSE ${probePort}
STOPSIGNAL SIGTERM
ENTRYPOINT ["${NODE}", "${HEAP}", "/outrigger/dist/main.mjs"]
`;
}
