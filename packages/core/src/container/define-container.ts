/** The container runner. */
import type { z } from "zod";
import type { ContainerDefinition } from "./pattern.ts";

export interface Container {
  /** Runs the container to its end and exits the process: 0 drained, 1 runtime error, 2 usage error. */
  main(argv?: readonly string[], env?: NodeJS.ProcessEnv): Promise<void>;
}

export function defineContainer<Schema extends z.ZodObject>(
  _definition: ContainerDefinition<Schema>,
): Container {
  return { main: () => Promise.reject(new Error("not built yet")) };
}
