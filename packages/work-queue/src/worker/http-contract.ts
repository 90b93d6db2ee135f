/** A workload that is asked over HTTP: each attempt is its caller's request. */
import { Agent } from "node:http";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import type { Attempt, Contract } from "./contract.ts";
import { lookAt } from "./readiness.ts";
import { replay, workloadAddress, type WorkloadAddress } from "./replay.ts";

export class HttpContract implements Contract {
  readonly #agent = new Agent({ keepAlive: true, scheduling: "lifo" });
  readonly #workload: WorkloadAddress;
  readonly #bodies: Bodies;

  /** @param workload http://HOST:PORT */
  constructor(workload: string, bodies: Bodies) {
    this.#workload = workloadAddress(workload);
    this.#bodies = bodies;
  }

  look(path: string | null, signal: AbortSignal): Promise<string | null> {
    return lookAt(this.#workload, path, signal);
  }

  attempt({ id, number, request, maxAnswer, keepBody }: Attempt, signal: AbortSignal): Promise<Answer> {
    const { deadline } = request;
    return replay(
      request,
      [
        ["outrigger-job", id],
        ["outrigger-attempt", String(number)],
        ...(deadline === undefined
          ? []
          : [["outrigger-deadline", new Date(deadline).toISOString()] as const]),
      ],
      {
        agent: this.#agent,
        workload: this.#workload,
        maxAnswer,
        readBody: (stored) => this.#bodies.read(stored),
        keepBody,
      },
      signal,
    );
  }

  async end(): Promise<void> {
    this.#agent.destroy();
  }
}
