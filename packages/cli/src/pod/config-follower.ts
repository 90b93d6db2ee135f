/**
 * Follows the manifest files while the run lasts: a changed ConfigMap or Secret is swapped into its volumes, as the
 * kubelet does after an update; everything else that changes waits for the next run, and is said to.
 */
import { statSync } from "node:fs";
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
import { withRoom } from "../run-folder.ts";
import type { PodPlan } from "./plan.ts";
import { writeVersion, type ProjectedFile } from "./volume.ts";

const PERIOD: Milliseconds = 1000;

export interface FollowerDeps {
  readonly clock: Clock;
  /** Plans anew from the files as they are now; throws where they are wrong. */
  plan(): readonly PodPlan[];
  say(level: "info" | "warn", message: string): void;
}

export class ConfigFollower {
  readonly #files: readonly string[];
  readonly #deps: FollowerDeps;
  #plans: readonly PodPlan[];
  #seen: string;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(files: readonly string[], plans: readonly PodPlan[], deps: FollowerDeps) {
    this.#files = files.filter((file) => file !== "-");
    this.#plans = plans;
    this.#deps = deps;
    this.#seen = this.#fingerprint();
  }

  start(): void {
    const again = async (): Promise<void> => {
      await this.#look();
      if (!this.#stopped) this.#timer = this.#deps.clock.timer(PERIOD, () => void again());
    };
    if (this.#files.length > 0) this.#timer = this.#deps.clock.timer(PERIOD, () => void again());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
  }

  /** Inode, size and time of each file: editors replace, scripts rewrite. */
  #fingerprint(): string {
    return this.#files
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false });
        return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : "gone";
      })
      .join("\n");
  }

  async #look(): Promise<void> {
    const now = this.#fingerprint();
    if (now === this.#seen) return;
    this.#seen = now;
    let plans: readonly PodPlan[];
    try {
      plans = this.#deps.plan();
    } catch (error) {
      this.#deps.say("warn", `the changed manifest is not used: ${(error as Error).message}`);
      return;
    }
    try {
      await this.#apply(plans);
    } catch (error) {
      this.#deps.say("warn", `a changed volume could not be written: ${(error as Error).message}`);
    }
  }

  async #apply(plans: readonly PodPlan[]): Promise<void> {
    let waits = plans.length !== this.#plans.length;
    for (const old of this.#plans) {
      // By identity: the order of the documents says nothing.
      const plan = plans.find(({ id }) => id === old.id);
      if (!plan || shapeOf(plan) !== shapeOf(old)) waits = true;
      for (const volume of old.volumes) {
        const files = plan?.volumes.find((each) => each.name === volume.name)?.files;
        if (!files || !volume.files || sameFiles(files, volume.files)) continue;
        if (this.#stopped) return;
        await withRoom(() => writeVersion(volume.folder, files));
        this.#deps.say("info", `volume ${volume.name} of pod ${old.label} has its new content`);
      }
    }
    if (waits)
      this.#deps.say("warn", "the manifest's pods have changed: run it again to start them as they are now");
    // Compared with next time: what is in the volumes, and the processes that run.
    this.#plans = this.#plans.map((old) => {
      const plan = plans.find(({ id }) => id === old.id);
      const volumes = old.volumes.map(
        (volume) => plan?.volumes.find(({ name }) => name === volume.name) ?? volume,
      );
      return { ...old, volumes };
    });
  }
}

/** What a running process cannot be given any more. */
const shapeOf = (plan: PodPlan): string =>
  JSON.stringify([plan.init, plan.main, plan.volumes.map(({ name }) => name)]);

function sameFiles(a: readonly ProjectedFile[], b: readonly ProjectedFile[]): boolean {
  return (
    a.length === b.length &&
    a.every((file, index) => {
      const other = b[index] as ProjectedFile;
      return file.path === other.path && file.mode === other.mode && file.content.equals(other.content);
    })
  );
}
