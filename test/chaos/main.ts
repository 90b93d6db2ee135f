/**
 * The chaos suite: each scenario with its own backends, ambassador and workload, all of them processes or sockets as in
 * a pod; what is promised is judged, and everything is measured.
 */
import { seededRandom } from "@outrigger/core/testing";
import { ELECTOR_SCENARIOS, playElector, type ElectorResult } from "./elector/scenario.ts";
import { QUEUE_SCENARIOS, type QueueResult, type QueueScenario } from "./queue/scenario.ts";
import { AmbassadorProcess } from "../support/ambassador.ts";
import { span } from "../support/polling.ts";
import { Workload } from "../support/workload.ts";
import { Fleet } from "./fleet.ts";
import { judge, type ScenarioResult } from "./verdict.ts";
import { CONNECTIONS, EJECT_TIME, Stage, type Scenario } from "./scenario.ts";
import { ambassadorScenarios } from "./scenarios/ambassador.ts";
import { answerScenarios } from "./scenarios/answers.ts";
import { changeScenarios } from "./scenarios/changes.ts";
import { podScenarios } from "./scenarios/pods.ts";
import { processScenarios } from "./scenarios/processes.ts";
import { electorLines, heading, queueLines, resultLines } from "./table.ts";

const SCENARIOS: readonly Scenario[] = [
  ...processScenarios,
  ...answerScenarios,
  ...changeScenarios,
  ...podScenarios,
  ...ambassadorScenarios,
];

/** Of all patterns: what a name on the command line may be; a pattern's name stands for all of its scenarios. */
export const ALL_SCENARIOS: readonly { readonly name: string; readonly promise: string }[] = [
  ...SCENARIOS,
  ...ELECTOR_SCENARIOS,
  ...QUEUE_SCENARIOS,
];

/** Names that stand for all scenarios of a pattern. */
const GROUPS: Readonly<Record<string, readonly { readonly name: string }[]>> = {
  elector: ELECTOR_SCENARIOS,
  queue: QUEUE_SCENARIOS,
};

export const isChosen = (name: string, names: readonly string[]): boolean =>
  names.length === 0 ||
  names.some((chosen) => chosen === name || GROUPS[chosen]?.some((scenario) => scenario.name === name));

const WARM_UP = 700;

/** Milliseconds of storm for each store, and how often it calms. */
const SHORT_STORM = { storm: 4_000, rounds: 1 };
const LONG_STORM = { storm: 110_000, rounds: 9 };

export interface ChaosOptions {
  /** Names; empty: all. */
  readonly names: readonly string[];
  readonly short: boolean;
  readonly seed: number;
  say(text: string): void;
}

export type NamedResult = QueueResult & Pick<QueueScenario, "name" | "promise">;

export interface ChaosResult {
  readonly node: string;
  readonly seed: number;
  readonly connections: number;
  readonly ejectTimeMilliseconds: number;
  readonly scenarios: readonly ScenarioResult[];
  readonly elector: readonly ElectorResult[];
  readonly queue: readonly NamedResult[];
}

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { names, short, seed, say } = options;
  const scenarios: ScenarioResult[] = [];
  const chosen = SCENARIOS.filter(({ name }) => isChosen(name, names));
  if (chosen.length > 0) say(heading());
  for (const scenario of chosen) {
    // Of its own for each scenario: what one draws does not change another.
    const random = seededRandom(seed ^ hash(scenario.name));
    const result = await playOne(scenario, short ? 1 : 3, random);
    scenarios.push(result);
    say(resultLines(result));
  }
  const elector: ElectorResult[] = [];
  for (const scenario of ELECTOR_SCENARIOS.filter(({ name }) => isChosen(name, names))) {
    const random = seededRandom(seed ^ hash(scenario.name));
    const result = await playElector(scenario, { ...(short ? SHORT_STORM : LONG_STORM), random });
    elector.push(result);
    say(electorLines(result));
  }
  const queue: NamedResult[] = [];
  for (const scenario of QUEUE_SCENARIOS.filter(({ name }) => isChosen(name, names))) {
    if (short && scenario.isLong && names.length === 0) continue;
    const random = seededRandom(seed ^ hash(scenario.name));
    const { storm } = short ? SHORT_STORM : LONG_STORM;
    const { name, promise } = scenario;
    const result = { name, promise, ...(await scenario.play({ storm, short, random })) };
    queue.push(result);
    say(queueLines(result));
  }
  return {
    node: process.version,
    seed,
    connections: CONNECTIONS,
    ejectTimeMilliseconds: EJECT_TIME,
    scenarios,
    elector,
    queue,
  };
}

async function playOne(scenario: Scenario, rounds: number, random: () => number): Promise<ScenarioResult> {
  const fleet = await Fleet.start(3);
  let ambassador: AmbassadorProcess | null = null;
  try {
    const settings = typeof scenario.route === "function" ? scenario.route(fleet) : scenario.route;
    ambassador = await AmbassadorProcess.start({
      endpoints: fleet.addresses,
      ejectTime: `${EJECT_TIME}ms`,
      ...settings,
    });
    const workload = new Workload({ port: ambassador.port, connections: CONNECTIONS, ...scenario.workload });
    const stage = new Stage(fleet, ambassador, workload, rounds, random);
    let broke: string | null = null;
    workload.start();
    // Connecting and compiling are no part of what is compared.
    await span(WARM_UP);
    const began = performance.now();
    try {
      await scenario.play(stage);
    } catch (thrown) {
      broke = thrown instanceof Error ? thrown.message : String(thrown);
    }
    const ended = performance.now();
    await workload.stop();
    return judge(scenario, stage, { began, ended, broke, log: ambassador.program.output });
  } finally {
    await ambassador?.end();
    await fleet.end();
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  return value >>> 0;
}
