/** http-proxy 1.18.1, loaded when somebody first needs it, and two of its habits left out. */
import util from "node:util";
import type HttpProxy from "http-proxy";

let loading: Promise<typeof HttpProxy> | undefined;

/** One instance; it holds nothing but its listeners. */
export async function createHttpProxy(): Promise<HttpProxy> {
  loading ??= load();
  const proxy = (await loading).createProxyServer();
  const passes = proxy as unknown as Record<"webPasses" | "wsPasses", { name: string }[]>;
  // It says `content-length: 0` of a DELETE with a body in chunks, which then is the endpoint's next request.
  passes.webPasses = passes.webPasses.filter(({ name }) => name !== "deleteLength");
  return proxy;
}

/** It takes util._extend, which warns at its first call from Node 24 on, when it is loaded, and never again. */
async function load(): Promise<typeof HttpProxy> {
  const own = Object.getOwnPropertyDescriptor(util, "_extend");
  Object.defineProperty(util, "_extend", { value: Object.assign, configurable: true, writable: true });
  try {
    return (await import("http-proxy")).default;
  } finally {
    if (own) Object.defineProperty(util, "_extend", own);
    else Reflect.deleteProperty(util, "_extend");
  }
}
