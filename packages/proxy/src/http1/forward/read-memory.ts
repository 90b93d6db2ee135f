/**
 * Gives the memory of a used read back at once instead of leaving it to the garbage collector. Node allocates a new
 * 64 KB buffer for each read of an accepted socket; at a few thousand reads a second V8 answers that with one full
 * collection after the other, a third of the CPU of an upload. A transferred buffer (ECMAScript 2024) is freed there and
 * then; on a Node without `transfer` the collector does it.
 */

/** Below this the call costs more than it saves, and the buffer may be a slice of Node's shared pool. */
const WORTH_FREEING = 16 * 1024;

/** `bytes` is used up: nobody will read it again. Only whole buffers are freed, never a slice of a shared one. */
export function free(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.byteLength < WORTH_FREEING || bytes.byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer && "transfer" in buffer) buffer.transfer(0);
}
