/** What a suite of the cluster is: a promise, and what it does in the run's namespace. A pattern adds a file of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { span } from "../support/polling.ts";
import type { Kubectl } from "./kubectl.ts";

export interface Suite {
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly promise: string;
  /** @throws what does not hold */
  run(stage: Stage): Promise<void>;
}

export interface Images {
  /** As in ghcr.io/outrigger. */
  readonly prefix: string;
  readonly tag: string;
  readonly pullPolicy: "Always" | "IfNotPresent" | "Never";
}

/** Seen from test/dist/k8s. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** How long a pod may take to get its images and become ready. */
const READY = "--timeout=180s";
const OUR_IMAGE = /^( *(?:- )?)image: ghcr\.io\/outrigger\/([\w-]+):\S+$/gm;

export class Stage {
  /** In the run's namespace. */
  readonly kubectl: Kubectl;
  readonly #images: Images;
  readonly #times: { readonly patience: number; readonly look: number };
  readonly #say: (line: string) => void;

  /** @param times for a test of this suite: patience with what comes by itself, and between two looks, milliseconds */
  constructor(
    kubectl: Kubectl,
    images: Images,
    say: (line: string) => void,
    times = { patience: 180_000, look: 1_000 },
  ) {
    this.#times = times;
    this.kubectl = kubectl;
    this.#images = images;
    this.#say = say;
  }

  /** A line of the report. */
  note(line: string): void {
    this.#say(line);
  }

  /** A manifest of the repository, with our images and, where it says `default`, the namespace as this run has them. */
  manifest(path: string): string {
    const { prefix, tag, pullPolicy } = this.#images;
    const { namespace = "default" } = this.kubectl;
    return readFileSync(join(ROOT, path), "utf8")
      .replace(/^( *)namespace: default$/gm, `$1namespace: ${namespace}`)
      .replace(OUR_IMAGE, (_all, indent: string, name: string) => {
        const next = indent.replace("-", " ");
        return `${indent}image: ${prefix}/${name}:${tag}\n${next}imagePullPolicy: ${pullPolicy}`;
      });
  }

  async apply(path: string): Promise<void> {
    await this.kubectl.run(["apply", "--validate=strict", "--filename=-"], this.manifest(path));
  }

  /** Has the API server read a text as strictly as it can, and make nothing of it. @throws what it refuses */
  async dryRun(text: string): Promise<void> {
    await this.kubectl.run(["apply", "--dry-run=server", "--validate=strict", "--filename=-"], text);
  }

  /** Waits for a condition of a thing, as in `Ready` of `pod/shop`. */
  async condition(what: string, condition: string): Promise<void> {
    await this.kubectl.run(["wait", `--for=condition=${condition}`, READY, what]);
  }

  /** Waits until every pod of a Deployment's newest revision is ready. */
  async rolledOut(deployment: string): Promise<void> {
    await this.kubectl.run(["rollout", "status", READY, `deployment/${deployment}`]);
  }

  /** Looks every second, for three minutes. @throws where it does not come to hold */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + this.#times.patience;
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new Error(`waited ${this.#times.patience / 1_000} s in vain until ${what}`);
      await span(this.#times.look);
    }
  }

  /** What a container prints up to its end; the kubelet must still have it, so ask before it ends. */
  async logsToEnd(pod: string, container: string): Promise<string> {
    return this.kubectl.run(["logs", "--follow", `--container=${container}`, pod]);
  }
}

export interface Figures {
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
}

/**
 * What the shop says at its end: `done: N requests, N answered, N failed`.
 * @throws where it does not say so, or a request was lost
 */
export function nothingLost(log: string): Figures {
  const match = /^done: (\d+) requests, (\d+) answered, (\d+) failed/m.exec(log);
  if (!match) throw new Error(`the shop did not say how it ended; its last words:\n${lastLines(log)}`);
  const [requests = 0, answered = 0, failed = 0] = match.slice(1).map(Number);
  if (requests === 0) throw new Error("the shop sent no request: nothing is proven");
  if (failed > 0 || answered !== requests)
    throw new Error(`${requests - answered} of ${requests} requests were lost:\n${lastLines(log)}`);
  return { requests, answered, failed };
}

const lastLines = (text: string): string => text.trimEnd().split("\n").slice(-10).join("\n");
