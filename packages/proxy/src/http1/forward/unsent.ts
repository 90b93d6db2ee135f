/** How much a socket may hold back. */

/**
 * What may wait in a socket's queue before its sender is paused. Pausing costs two system calls and a turn of the loop, so
 * that the limit is above one read buffer; it bounds what a reader that has stopped can make us hold.
 */
export const MAX_UNSENT_BYTES = 128 * 1024;
