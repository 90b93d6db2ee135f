export { TestApiServer, type ApiServerOptions, type Fault, type Seen } from "./api-server.ts";
export type { Rule, User } from "./access-control.ts";
export type { Stored } from "./stored.ts";
