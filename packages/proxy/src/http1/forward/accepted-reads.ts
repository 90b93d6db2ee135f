/**
 * Takes what an accepted socket reads straight from the socket's source. net reads each chunk and hands it to `push`, the
 * documented door between a stream's source and its queue; a chunk that would be emitted at once anyway need not pass
 * through the queue, its events and a next tick, which cost 7 % of a small request. (`onread` would do the same, and more,
 * but is there only for sockets that connect.)
 */
import type { Socket } from "node:net";

/**
 * `received` is given each chunk, in order. While the socket is paused, or still has chunks in its queue, the stream works
 * as ever: queue, back-pressure, 'data'. So it does on a Node whose net would not come by `push`.
 */
export function takeReads(socket: Socket, received: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null || socket.readableLength > 0 || socket.isPaused()) return push(chunk, encoding);
    received(chunk);
    return true;
  };
  socket.on("data", received);
}
