/** One container of the elector, as its image starts it, and what can be asked of it. */
import { spawn } from "node:child_process";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@outrigger/core/testing";
import { Program } from "../support/program.ts";

export interface Entry {
  readonly node: string;
  /** The bundle that is in the image. */
  readonly main: string;
}

/** As the image: half of the container's memory, of which the README's pod snippet has 128 MiB, and the collector. */
const NODE_FLAGS = ["--max-old-space-size=64", "--expose-gc"];
const PATIENCE = 30_000;

export class Replica {
  readonly id: string;
  readonly program: Program;
  readonly #http: number;
  readonly #probe: number;

  private constructor(id: string, program: Program, http: number, probe: number) {
    this.id = id;
    this.program = program;
    this.#http = http;
    this.#probe = probe;
  }

  /** @returns the replica, and the milliseconds from exec until it is ready */
  static async start(
    { node, main }: Entry,
    id: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<{ replica: Replica; readyAfter: number }> {
    const [http, probe, control] = [await freePort(), await freePort(), await freePort()];
    const words = [
      ...[...NODE_FLAGS, main, "--id", id, ...args, "--http", `127.0.0.1:${http}`],
      ...["--probe", `127.0.0.1:${probe}`, "--control", `${control}`],
    ];
    const began = performance.now();
    const program = new Program(id, spawn(node, words, { stdio: ["ignore", "pipe", "pipe"], env }));
    while (!program.output.includes('"msg":"ready"')) {
      if (!program.alive || performance.now() - began > PATIENCE)
        throw new Error(`${id} was not ready:\n${program.output}`);
      await sleep(1);
    }
    return { replica: new Replica(id, program, http, probe), readyAfter: performance.now() - began };
  }

  async leads(): Promise<boolean> {
    return (await ask(this.#http, "/isLeader")).status === 200;
  }

  /** Who leads, as it knows. */
  async leader(): Promise<string> {
    return (JSON.parse((await ask(this.#http, "/")).body) as { name: string }).name;
  }

  /** Requests to the store so far. */
  async requests(): Promise<number> {
    const { body } = await ask(this.#probe, "/metrics");
    return [...body.matchAll(/^outrigger_election_requests_total\{[^}]*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  }
}

/** Each on a connection of its own: one that stays open would be waited for at SIGTERM. */
function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = get({ host: "127.0.0.1", port, path, agent: false, timeout: PATIENCE }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.once("error", reject);
    });
    call.once("timeout", () => call.destroy(new Error(`no answer from port ${port}`)));
    call.once("error", reject);
  });
}
