/** http-proxy, repaired: where throughput does not matter. An entry of its own, so that only who uses it loads it. */
export { createPassThrough, type PassThrough, type PassThroughOptions } from "./pass-through.ts";
export { answer, answerUpgrade, replyTo, type Reply } from "./reply.ts";
export type { Failure, Outcome, Target } from "./target.ts";
export { isWebSocket, WEB_SOCKETS_ALONE, withoutUpgrade } from "./web-socket.ts";
