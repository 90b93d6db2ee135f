/** A work queue on a port of its own, and what its callers are told. */
import type { WorkQueueInput } from "../config/config.ts";
import { createWorkQueue, type WorkQueue, type WorkQueueDeps } from "../work-queue.ts";

export async function openedQueue(
  input: Partial<WorkQueueInput> & { backend: string; workload: string },
  deps: Partial<WorkQueueDeps> = {},
): Promise<WorkQueue> {
  const queue = createWorkQueue({ listen: "127.0.0.1:0", backoff: "1ms", attempts: 3, ...input }, deps);
  await queue.start();
  return queue;
}

export const portOf = (queue: WorkQueue): number => {
  const address = queue.listeners.find(({ name }) => name === "front")?.addresses?.[0] ?? "";
  return Number(address.slice(address.lastIndexOf(":") + 1));
};

export const ask = (queue: WorkQueue, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${portOf(queue)}${path}`, init);

export type Told = Record<"id" | "state" | "reason" | "message" | "error" | "location" | "result", string> & {
  attempts: number;
  status: number;
};

export const told = async (response: Response): Promise<Told> => (await response.json()) as Told;

export async function outcome(queue: WorkQueue, id: string): Promise<Told> {
  for (;;) {
    const job = await told(await ask(queue, `/jobs/${id}`));
    if (job.state === "done" || job.state === "failed") return job;
  }
}
