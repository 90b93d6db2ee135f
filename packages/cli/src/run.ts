/** `outrigger run`: from manifest files to pods that run, are shown, and are stopped in order. */
import { rmSync } from "node:fs";
import { formatDuration, onStopSignals, OutriggerError, systemClock } from "@outrigger/core";
import type { RunOptions } from "./run-options.ts";
import { exitCodeOfRun, verdict, type Ending } from "./exit-code.ts";
import { ManifestError, type ManifestText } from "./manifest/load.ts";
import { askPatterns } from "./pod/config-check.ts";
import { furnish, INSIDE, namespaceCommand, OUTPUT_LOST } from "./pod/own-network.ts";
import { describe, notes, prepare, readManifest, type Prepared } from "./prepare.ts";
import { runApart } from "./run-apart.ts";
import { makeRunFolder, runFolder } from "./run-folder.ts";
import { ConfigFollower } from "./pod/config-follower.ts";
import type { ContainerPlan, PodPlan } from "./pod/plan.ts";
import { Pod } from "./pod/pod.ts";
import { clashes, taken } from "./pod/port-claim.ts";
import { Watchdog } from "./pod/watchdog.ts";
import type { StandardOutput } from "./standard-output.ts";
import { STOP_SIGNALS } from "./stop-signals.ts";
import { harmless } from "./view/ansi.ts";
import { Display } from "./view/display.ts";
import { Log } from "./view/log.ts";
import { podStatus } from "./view/pod-status.ts";
import { Scraper } from "./view/scraper.ts";
import { statusLine, summary } from "./view/status.ts";

const STATUS_PERIOD = 5000;
const SCRAPE_PERIOD = 500;

/**
 * @returns the exit code
 * @throws OutriggerError `bad-manifest`, `unreadable-manifest`, `port-claimed-twice` (exit code 2), `port-taken`,
 *   `no-temporary-folder` (1)
 */
export async function run(options: RunOptions, output: StandardOutput): Promise<number> {
  const texts = options.files.map(readManifest);
  const folder = runFolder();
  const hosts = process.env[INSIDE];
  if (hosts !== undefined) furnish(hosts);
  const prepared = prepare(texts, options, folder);
  const alone = clashes(prepared.plans, false);
  if (alone.length > 0) throw new OutriggerError("port-claimed-twice", alone.join("\n"));
  const unchecked = options.check ? await checkPatterns(prepared) : [];
  const apart = networkWords(options, prepared.plans);
  if (apart && !options.check) return runApart(options, prepared.manifest, apart, folder, output);
  const busy = apart ? [] : await taken(prepared.plans);
  if (busy.length > 0) throw new OutriggerError("port-taken", busy.join("\n"));
  if (options.check) {
    process.stdout.write(
      [...describe(prepared), ...unchecked].map((line) => `${harmless(line, false)}\n`).join(""),
    );
    return 0;
  }
  return new Run(options, texts, prepared, folder, output).toTheEnd();
}

/**
 * @returns a line for each pattern container whose arguments could not be checked
 * @throws ManifestError with what the patterns' own --check-config refuses
 */
async function checkPatterns({ plans }: Prepared): Promise<string[]> {
  const { problems, unchecked } = await askPatterns(plans);
  if (problems.length > 0) throw new ManifestError(problems);
  return unchecked.map((why) => `not checked: the arguments of ${why}`);
}

/**
 * How pods are started apart, in network namespaces: asked for, or needed because two claim one port. null: all
 * share the laptop's network.
 */
function networkWords(options: RunOptions, plans: readonly PodPlan[]): readonly string[] | null {
  if (process.env[INSIDE] !== undefined) return null;
  const clashing = clashes(plans, true);
  if (options.network === "host" || (options.network === "auto" && clashing.length === 0)) {
    if (clashing.length > 0) throw new OutriggerError("port-claimed-twice", clashing.join("\n"));
    return null;
  }
  const found = namespaceCommand();
  if ("words" in found) return found.words;
  if (options.network === "namespace") {
    throw new OutriggerError(
      "no-namespace",
      `this system gives a pod no network namespace of its own: ${found.why}; use --network host`,
    );
  }
  throw new OutriggerError(
    "port-claimed-twice",
    `${clashing.join("\n")}\n(no network namespaces here: ${found.why})`,
  );
}

class Run {
  readonly #options: RunOptions;
  readonly #prepared: Prepared;
  readonly #folder: string;
  readonly #output: StandardOutput;
  readonly #clock = systemClock;
  readonly #display = new Display(process.stdout, systemClock);
  readonly #log: Log;
  readonly #scraper: Scraper;
  readonly #watchdog: Watchdog;
  readonly #follower: ConfigFollower;
  readonly #pods: readonly Pod[];
  readonly #began: number;
  readonly #screen: boolean;
  #ending: Ending | null = null;

  constructor(
    options: RunOptions,
    texts: readonly ManifestText[],
    prepared: Prepared,
    folder: string,
    output: StandardOutput,
  ) {
    this.#output = output;
    this.#options = options;
    this.#prepared = prepared;
    makeRunFolder(folder);
    this.#folder = folder;
    this.#began = this.#clock.now();
    const tty = process.stdout.isTTY;
    this.#screen = options.view === "screen" || (options.view === "auto" && tty);
    const colours = tty && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
    const { plans } = prepared;
    this.#log = new Log({
      colours,
      raw: options.log === "json",
      names: plans.flatMap((plan) =>
        [...plan.init, ...plan.main].map((each) => this.#label(plan, each.name)),
      ),
      write: (line) => this.#display.line(line),
    });
    const urls = plans.flatMap((plan) =>
      [...plan.init, ...plan.main].flatMap((each) => each.pattern?.metricsUrl ?? []),
    );
    this.#scraper = new Scraper(urls, this.#clock);
    this.#watchdog = new Watchdog(folder);
    this.#pods = plans.map((plan) => this.#pod(plan));
    this.#follower = new ConfigFollower(options.files, plans, {
      clock: this.#clock,
      plan: () => {
        // Standard input was read once and does not change.
        const now = options.files.map((file, index) =>
          file === "-" ? (texts[index] as ManifestText) : readManifest(file),
        );
        return prepare(now, options, folder).plans;
      },
      say: (level, message) => this.#log.say(null, level, message),
    });
  }

  /** With several pods a container is called by both names. */
  #label(plan: PodPlan, container: string): string {
    return this.#prepared.plans.length > 1 || process.env[INSIDE] !== undefined
      ? `${plan.label}/${container}`
      : container;
  }

  #pod(plan: PodPlan): Pod {
    const label = (container: ContainerPlan): string => this.#label(plan, container.name);
    return new Pod(plan, {
      clock: this.#clock,
      backOffBase: this.#options.restartBackOff,
      watcher: this.#watchdog,
      output: (container, line) => this.#log.output(label(container), line),
      say: (container, level, message) =>
        this.#log.say(container ? label(container) : `pod ${plan.label}`, level, message),
      beforeSidecarsStop: () => this.#scraper.scrape(),
    });
  }

  async toTheEnd(): Promise<number> {
    const release = this.#listen();
    const timers = [this.#status(), this.#limit()];
    try {
      if (this.#screen) this.#enterScreen();
      for (const note of notes(this.#prepared.manifest, this.#prepared.plans))
        this.#log.say(null, "info", note);
      this.#scraper.start(SCRAPE_PERIOD);
      this.#follower.start();
      await Promise.all(this.#pods.map((pod) => pod.run()));
    } finally {
      for (const clear of timers) clear();
      this.#scraper.stop();
      this.#follower.stop();
      this.#display.leaveScreen();
      this.#watchdog.close();
      rmSync(this.#folder, { recursive: true, force: true });
      release();
    }
    const statuses = this.#pods.map((pod) => podStatus(pod, (name) => this.#label(pod.plan, name)));
    const ranFor = this.#clock.now() - this.#began;
    for (const line of summary(statuses, this.#scraper.window.last, ranFor))
      this.#log.say(null, "info", line);
    const failures = verdict(this.#pods, (pod, name) => this.#label(pod.plan, name));
    for (const failure of failures) this.#log.say(null, "error", `failed: ${failure}`);
    const code = exitCodeOfRun(this.#ending, this.#options.for !== null, failures);
    // The summary has reached nobody: at least the reason for the exit code should.
    if (code !== 0 && this.#output.loss !== null)
      for (const failure of failures) process.stderr.write(`failed: ${harmless(failure, false)}\n`);
    return code;
  }

  #enterScreen(): void {
    const { files } = this.#options;
    this.#display.enterScreen(() => ({
      title: `outrigger run ${files.join(" ")}`,
      now: this.#clock.now(),
      ranFor: this.#clock.now() - this.#began,
      remaining:
        this.#options.for === null
          ? null
          : Math.max(0, this.#options.for - (this.#clock.now() - this.#began)),
      pods: this.#pods.map((pod) => podStatus(pod, (name) => this.#label(pod.plan, name))),
      traffic: this.#scraper.window,
      colours: !process.env["NO_COLOR"],
    }));
  }

  /** Signals and a lost output end the run in order; a second signal ends it at once. @returns the removal */
  #listen(): () => void {
    const removals = [
      onStopSignals(
        STOP_SIGNALS,
        this.#clock,
        (name) => {
          this.#log.say(null, "info", `${name}: stopping in order; once more ends everything at once`);
          this.#end("asked");
        },
        () => {
          for (const pod of this.#pods) pod.kill();
          this.#display.leaveScreen();
          rmSync(this.#folder, { recursive: true, force: true });
          process.exit(130);
        },
      ),
    ];
    // `outrigger run ... | head`: nobody reads any more, so nobody wants it to run. On a full disk nobody can read.
    const onLoss = (): void => this.#end("output lost");
    removals.push(this.#output.onLoss(onLoss));
    if (process.env[INSIDE] !== undefined) {
      process.on(OUTPUT_LOST, onLoss);
      removals.push(() => process.off(OUTPUT_LOST, onLoss));
    }
    const onExit = (): void => this.#display.leaveScreen(0);
    process.on("exit", onExit);
    return () => {
      for (const remove of removals) remove();
      process.off("exit", onExit);
    };
  }

  #end(why: Ending): void {
    // Who asks is heard also when it ends already; of the rest the first is the reason.
    if (this.#ending === null || why === "asked") this.#ending = why;
    for (const pod of this.#pods) void pod.stop();
  }

  #limit(): () => void {
    const span = this.#options.for;
    if (span === null) return () => {};
    const timer = this.#clock.timer(span, () => {
      this.#log.say(null, "info", `${formatDuration(span)} have passed: stopping in order`);
      this.#end("time");
    });
    return () => timer.clear();
  }

  #status(): () => void {
    if (this.#screen) return () => {};
    const again = (): void => {
      const line = statusLine(this.#scraper.window);
      if (line !== null) this.#log.say(null, "info", line);
      timer = this.#clock.timer(STATUS_PERIOD, again);
    };
    let timer = this.#clock.timer(STATUS_PERIOD, again);
    return () => timer.clear();
  }
}
