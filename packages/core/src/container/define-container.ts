/** The container's entry: what argv and environment ask for is printed, or the pattern is run. */
import * as z from "zod";
import { OutriggerError } from "../errors.ts";
import { systemClock } from "../time/clock.ts";
import { awaitStarted } from "./await-started.ts";
import { Configuration } from "./configuration.ts";
import { writeManual } from "./manual.ts";
import type { Command, ContainerDefinition } from "./pattern.ts";
import { runContainer } from "./run.ts";

export interface Container {
  /**
   * Runs the container to its end. It owns the process: signals, stdout, the exit code (0 drained, 1 failed while
   * running, 2 wrong flags or configuration). Never called by a library.
   */
  main(argv?: readonly string[], env?: NodeJS.ProcessEnv): Promise<void>;
}

/** Wires a pattern into a container: configuration, probe and control servers, lifecycle, log, metrics. */
export function defineContainer<Schema extends z.ZodObject>(
  definition: ContainerDefinition<Schema>,
): Container {
  const program = `outrigger-${definition.name}`;
  return {
    async main(argv = process.argv.slice(2), env = process.env) {
      // A configuration is read once or twice: code that is made for its schemas costs more than it saves.
      z.config({ jitless: true });
      const command = definition.commands?.find(({ name }) => name === argv[0]);
      if (command !== undefined) return runCommand(`${program} ${command.name}`, command, argv.slice(1), env);
      const configuration = new Configuration(definition, argv, env);
      try {
        switch (configuration.action) {
          case "help":
            print(
              writeManual({
                program,
                version: definition.version,
                summary: definition.summary,
                routes: definition.routes === true,
                flags: configuration.flags,
                printouts: definition.printouts ?? [],
                commands: definition.commands ?? [],
                schema: configuration.jsonSchema(),
                ...(definition.epilogue !== undefined && { epilogue: definition.epilogue }),
              }),
            );
            return;
          case "version":
            print(`${program} ${definition.version} (node ${process.version})\n`);
            return;
          case "print-schema":
            print(`${JSON.stringify(configuration.jsonSchema(), null, 2)}\n`);
            return;
          case "check-config":
            await configuration.load();
            print("the configuration is valid\n");
            return;
          case "print-config": {
            const { stringify } = await import("../config/yaml-stringify.ts");
            print(stringify(configuration.show((await configuration.load()).config)));
            return;
          }
          case "printout":
            print((await configuration.printout?.print((await configuration.load()).config, env)) ?? "");
            return;
          case "await-started":
            await awaitStarted(await configuration.probeAddress(), configuration.patience, systemClock);
            return;
          case "run":
            await runContainer(definition, configuration, env);
        }
      } catch (thrown) {
        const { code, message } = OutriggerError.from(thrown);
        if (!USAGE_CODES.has(code) && code !== "not-started") throw thrown;
        process.stderr.write(`${program}: ${message}\n`);
        process.exitCode = code === "not-started" ? 1 : 2;
      }
    },
  };
}

const USAGE_CODES: ReadonlySet<string> = new Set(["bad-config", "config-unreadable", "host-network"]);

async function runCommand(
  program: string,
  command: Command,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    print(await command.run(words, env));
  } catch (thrown) {
    if (!(thrown instanceof OutriggerError)) throw thrown;
    process.stderr.write(`${program}: ${thrown.message}\n`);
    process.exitCode = USAGE_CODES.has(thrown.code) ? 2 : 1;
  }
}

function print(text: string): void {
  // A reader that has seen enough (`--help | head`) is no failure.
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  process.stdout.write(text);
}
