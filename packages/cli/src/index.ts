/** The manifest model, as `outrigger run` reads it. */
export { loadManifest, ManifestError, type DeclaredPod, type Manifest } from "./manifest/load.ts";
export type { Problem } from "./manifest/document.ts";
