/** The container: `outrigger-leader-elector --election ticker`. */
import { defineContainer } from "@outrigger/core";
import { leaderElectorSchema } from "./config/config.ts";
import { FLAGS } from "./config/flags.ts";
import { hereAndNow } from "./identity.ts";
import { LeaderElector } from "./leader-elector.ts";
import { printRole } from "./print-role.ts";
import { VERSION } from "./version.ts";

const container = defineContainer({
  name: "leader-elector",
  version: VERSION,
  summary:
    "One of N replicas acts, and can prove it: an election beside a workload that knows nothing of it.",
  defaultPorts: { probe: 14030, control: 14031 },
  schema: leaderElectorSchema,
  flags: FLAGS,
  collectsStartGarbage: true,
  printouts: [
    {
      name: "print-role",
      help: "the Role, its binding and the Lease that a cluster needs, as YAML for kubectl; for the service account that POD_SERVICE_ACCOUNT names, in namespace POD_NAMESPACE",
      print: printRole,
    },
  ],
  epilogue: `Examples
  outrigger-leader-elector --election ticker
  outrigger-leader-elector --election ticker --store redis://redis:6379
  outrigger-leader-elector --election ticker --store file:/var/run/elections --child 'node ticker.js'

Not promised
  That whoever led a moment ago has stopped acting: a process can be paused between asking and doing. The token rises with
  each acquisition: whoever is acted upon refuses one that is lower than the highest that it has seen.`,
  create: (config, deps) =>
    new LeaderElector(config, { ...deps, surroundings: hereAndNow, memory: new Map() }),
});

await container.main(process.argv.slice(2), process.env);
