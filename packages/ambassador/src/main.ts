/** The container: `outrigger-ambassador --route 8001=http://catalog:8080`. */
import { defineContainer } from "@outrigger/core";
import { Ambassador } from "./ambassador.ts";
import { ambassadorSchema } from "./config.ts";
import { VERSION } from "./version.ts";

const container = defineContainer({
  name: "ambassador",
  version: VERSION,
  summary:
    "The workload talks to localhost; the ambassador knows the world: it balances, retries, ejects and drains.",
  defaultPorts: { probe: 14010, control: 14011 },
  schema: ambassadorSchema,
  routes: true,
  epilogue: `Examples
  outrigger-ambassador --route 8001=http://catalog:8080?retries=2
  outrigger-ambassador --route '8001=http://10.0.0.1:9001,10.0.0.2:9001*3?perTryTimeout=250ms&health=http:/healthz'

Not promised
  A request with a body of which a byte was sent, and any POST or PATCH of which a byte was sent, is never sent again:
  when its endpoint dies then, the workload gets a 502 that says so.`,
  create: (config, deps) => new Ambassador(config, deps),
});

await container.main(process.argv.slice(2), process.env);
