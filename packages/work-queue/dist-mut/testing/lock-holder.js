/** Takes the lock of the folder that it is told, says so, and keeps it. */
import { FolderLock } from "../backend/embedded/folder-lock.js";
const lock = await FolderLock.take(process.argv[2]);
process.send?.("taken");
process.on("disconnect", () => void lock.release().then(() => process.exit()));
//# sourceMappingURL=lock-holder.js.map