/** Reads a configuration file: all of it, but not more than a ConfigMap can hold, and only as UTF-8. */
import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { OutriggerError } from "../errors.ts";
import { formatSize, type Bytes } from "../units.ts";

/** What a ConfigMap may hold in all, and far more than a configuration that somebody wrote. */
export const LARGEST_FILE: Bytes = 1024 * 1024;

/**
 * @throws OutriggerError `file-too-large`, `not-a-file`, `not-utf-8`, or the system's code (`ENOENT`); the messages say only what is
 *   wrong, the caller says with which file
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readBounded(path);
  if (bytes.length > LARGEST_FILE) {
    throw new OutriggerError(
      "file-too-large",
      `it is larger than ${formatSize(LARGEST_FILE)}, which is the most that is read (and that a ConfigMap can hold)`,
    );
  }
  if (!isUtf8(bytes)) throw new OutriggerError("not-utf-8", whyNotUtf8(bytes));
  return bytes.toString("utf8");
}

async function readBounded(path: string): Promise<Buffer> {
  // To open a FIFO that nobody writes to would wait for ever otherwise, on a thread that no signal frees; and reads of
  // one would wait for its writer. A regular file is read as ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const kind = await file.stat();
    if (!kind.isFile() && !kind.isDirectory()) {
      throw new OutriggerError(
        "not-a-file",
        "it is a pipe, a socket or a device: only a regular file is read, because it is read again on each reload",
      );
    }
    const chunks: Buffer[] = [];
    let size = 0;
    // One byte more shows that there is more; files of /proc tell no size beforehand, and others may grow meanwhile.
    while (size <= LARGEST_FILE) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(65_536), 0, 65_536, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function whyNotUtf8(bytes: Buffer): string {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  if (mark === 0xfffe || mark === 0xfeff) return "it is UTF-16: save it as UTF-8";
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const feed = bytes.indexOf(10, start);
    const end = feed < 0 ? bytes.length : feed;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
  }
  return `it is not UTF-8: line ${line} has bytes of another encoding; save it as UTF-8`;
}
