/** kubectl by argv, always in one context and namespace; what it said is in the error when it fails. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface KubectlOptions {
  /** The program with words before all others. Default: kubectl of PATH. */
  readonly command?: readonly string[] | undefined;
  /** Of the kubeconfig. Default: the current one. */
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  /** Ends what is on its way, and refuses what would follow. */
  readonly signal?: AbortSignal | undefined;
}

/** A call takes no longer, in milliseconds, whatever kubectl itself waits for. */
const LIMIT = 5 * 60_000;

export class KubectlError extends Error {
  override readonly name = "KubectlError";
}

export class Kubectl {
  readonly #options: KubectlOptions;

  constructor(options: KubectlOptions = {}) {
    this.#options = options;
  }

  get namespace(): string | undefined {
    return this.#options.namespace;
  }

  within(namespace: string, signal?: AbortSignal): Kubectl {
    return new Kubectl({ ...this.#options, namespace, signal });
  }

  /**
   * What it printed.
   * @param input for `-f -`
   * @throws KubectlError with what it said, and where it cannot be started
   */
  async run(args: readonly string[], input?: string): Promise<string> {
    const call = this.#start(args, input === undefined ? "ignore" : "pipe");
    call.child.stdin?.on("error", () => {});
    call.child.stdin?.end(input);
    const timer = setTimeout(() => call.child.kill("SIGKILL"), LIMIT);
    const code = await call.ended.finally(() => clearTimeout(timer));
    if (code === 0) return call.out();
    const why = call.err().trim() || `it ended with ${code ?? "a signal"}`;
    throw new KubectlError(`kubectl ${args.join(" ")}: ${why}`);
  }

  #start(args: readonly string[], stdin: "ignore" | "pipe") {
    const { command = ["kubectl"], context, namespace, signal } = this.#options;
    const [program = "kubectl", ...before] = command;
    const where = [
      ...(context === undefined ? [] : [`--context=${context}`]),
      ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ];
    const child: ChildProcess = spawn(program, [...before, ...where, ...args], {
      stdio: [stdin, "pipe", "pipe"],
      signal,
    });
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
    const ended = once(child, "close").then(
      ([code]) => code as number | null,
      (error: Error) => {
        if (error.name === "AbortError") throw new KubectlError(`kubectl ${args.join(" ")}: given up`);
        throw new KubectlError(`cannot start ${program}: ${error.message}`);
      },
    );
    return { child, ended, out: () => out, err: () => err };
  }
}
