/** A program in a loop that knows nothing of us: it makes capitals of what is in in/, and notes each run in `runs`. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the first line of an input says happens instead. It ends with the test, however that ends. */
const SCRIPT = `
cd "$1" && mkdir -p work && while kill -0 "$2"; do
  for input in in/*; do
    [ -f "$input" ] || continue
    name=\${input##*/} stem=\${input##*/} word=
    stem=\${stem%.*}
    echo "$name" >> runs
    read -r word < "$input"
    case "$word" in
      fails) echo "cannot: $name" > "failed/$stem.txt" ;;
      fails-once) if [ -f fell ]; then echo ok > "out/$stem"; else touch fell; echo no > "failed/$stem"; fi ;;
      nothing) ;;
      twice) echo 1 > "out/$stem-1.txt"; echo 2 > "out/$stem-2.txt" ;;
      folder) mkdir "out/$stem" ;;
      link) ln -s /etc/hostname "out/$stem.txt" ;;
      bytes) printf done > "out/$(printf '%s-r\\351.pdf' "$stem")" ;;
      pipe) mkfifo "out/$stem" ;;
      waits) until [ -f go ] || [ ! -f "$input" ]; do sleep 0.01; done; echo waited > "work/$name"; mv "work/$name" "out/$name" ;;
      *) tr a-z A-Z < "$input" > "work/$name"; mv "work/$name" "out/$name" ;;
    esac
    rm -f "$input"
  done
  sleep 0.02
done`;

export class FileProgram {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#child = spawn("sh", ["-c", SCRIPT, "sh", folder, String(process.pid)], { stdio: "ignore" });
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
  }

  /** The names of the inputs that it has begun, each as often. */
  get runs(): string[] {
    try {
      return readFileSync(join(this.#folder, "runs"), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
