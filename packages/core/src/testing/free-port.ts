/**
 * A free port for what must know it before it listens, or listens on it again and again. It lies below the range from which
 * the kernel takes the local ports of outgoing connections (32768 and up): else one of those could sit on it meanwhile.
 */
import { createServer } from "node:net";

const FIRST = 15_000;
const COUNT = 16_000;
/** Test files run at once, each in a process: they start at different places. */
let next = (process.pid * 97) % COUNT;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${FIRST + COUNT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
