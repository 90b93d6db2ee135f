/** Writes to stdout that never wait: a reader that has stopped must not stop the process with it. */
import { constants, fstatSync, openSync, writeSync } from "node:fs";

const STDOUT = 1;

/** Writes to stdout what it takes now and returns how many bytes that was; throws EAGAIN when it takes none. */
export function openStdout(): (bytes: string | Buffer) => number {
  const descriptor = nonBlocking();
  return (bytes) =>
    typeof bytes === "string" ? writeSync(descriptor, bytes) : writeSync(descriptor, bytes, 0, bytes.length);
}

function nonBlocking(): number {
  const kind = fstatSync(STDOUT);
  // Files do not know waiting, nor does /dev/null.
  if (kind.isFile()) return STDOUT;
  try {
    // An open file description of our own: O_NONBLOCK on the inherited one would surprise whoever shares it.
    return openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Sockets cannot be opened so, nor can a pipe of another user. Node sets O_NONBLOCK when it wraps the descriptor.
    if (kind.isFIFO() || kind.isSocket()) void process.stdout;
    return STDOUT;
  }
}
