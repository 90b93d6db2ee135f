/** Opens the queue in the folder that it is told, says so, and keeps it. */
import { openBackend } from "../backend/open-backend.ts";

const backend = await openBackend({
  backend: { kind: "embedded", folder: process.argv[2] as string },
});
await backend.openQueue("requests").waitUntilReady();
process.send?.("opened");
