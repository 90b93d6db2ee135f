/** The container: `outrigger-work-queue --backend embedded:/var/lib/queue`. */
import { defineContainer } from "@outrigger/core";
import { workQueueSchema } from "./config/config.js";
import { FLAGS } from "./config/flags.js";
import { VERSION } from "./version.js";
import { WorkQueue } from "./work-queue.js";
const container = defineContainer({
    name: "work-queue",
    version: VERSION,
    summary: "A durable queue in front of a workload that knows nothing of it.",
    defaultPorts: { probe: 14040, control: 14041 },
    schema: workQueueSchema,
    flags: FLAGS,
    collectsStartGarbage: true,
    commands: [
        {
            name: "dlq",
            usage: "list|show|replay|purge",
            help: "jobs that were given up, of the queue in this pod; dlq --help has more",
            run: async (words, env) => (await import("./dead-letters/command.js")).runDlq(words, env),
        },
    ],
    epilogue: `Examples
  outrigger-work-queue --backend embedded:/var/lib/queue --workload http://127.0.0.1:3000
  outrigger-work-queue --role front --backend redis://redis:6379

Not promised
  That a job is done once: it is done at least once. One that a worker had when it ended is given to another.`,
    create: (config, deps) => new WorkQueue(config, { ...deps, random: Math.random }),
});
await container.main(process.argv.slice(2), process.env);
//# sourceMappingURL=main.js.map