/** How much a socket may hold back. */

/**
 * What may wait in a socket's queue before its sender is paused. Pausing costs two system calls and a turn of the loop, so
 * that the limit is above one read buffer. With MAX_COPIED_BYTES it bounds what a reader that has stopped can make us hold.
 */
export const MAX_UNSENT_BYTES = 128 * 1024;

/** What an endpoint's bytes are read into. */
export const READ_BUFFER_BYTES = 64 * 1024;

/**
 * A piece of a read buffer up to this size is copied where it would have to wait behind others: it would keep the whole
 * buffer waiting with it. Larger ones are a quarter of it at least, so that the buffers which wait are at most four times
 * the bytes that do, and one more for the piece that was the first to wait.
 */
export const MAX_COPIED_BYTES = READ_BUFFER_BYTES / 4;
