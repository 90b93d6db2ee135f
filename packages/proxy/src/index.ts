export * from "./http1/index.ts";
