/** The peer `http-proxy`: a plain server around it with keep-alive to the backend. Arguments: PORT BACKEND. */
import { Agent, createServer } from "node:http";
import { createRequire } from "node:module";
import util from "node:util";
import type HttpProxy from "http-proxy";

// http-proxy 1.18 calls util._extend, which warns on every current Node.
Object.assign(util, { _extend: Object.assign });
const { createProxyServer } = createRequire(import.meta.url)("http-proxy") as typeof HttpProxy;

const [port, backend] = process.argv.slice(2).map(Number) as [number, number];
const proxy = createProxyServer({
  target: { host: "127.0.0.1", port: backend },
  agent: new Agent({ keepAlive: true, maxSockets: 4096 }),
  xfwd: true,
});
proxy.on("error", (error) => process.stderr.write(`${error.message}\n`));
createServer((request, response) => proxy.web(request, response)).listen(port, "127.0.0.1");
