/** The version of package.json, read once: a bundle carries it as a constant instead. */
import { createRequire } from "node:module";
export const VERSION = createRequire(import.meta.url)("../package.json")
    .version;
//# sourceMappingURL=version.js.map