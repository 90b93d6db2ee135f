/** Opens the queue in the folder that it is told, says so, and keeps it. */
import { openBackend } from "../backend/open-backend.js";
const backend = await openBackend({
    backend: { kind: "embedded", folder: process.argv[2] },
});
await backend.openQueue("requests").waitUntilReady();
process.send?.("opened");
//# sourceMappingURL=queue-opener.js.map