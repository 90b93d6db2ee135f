/** Takes the lock of the folder that it is told, says so, and keeps it. */
import { FolderLock } from "../backend/embedded/folder-lock.ts";

const lock = await FolderLock.take(process.argv[2] as string);
process.send?.("taken");
process.on("disconnect", () => void lock.release().then(() => process.exit()));
