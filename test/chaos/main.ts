/**
 * The chaos suite: each scenario with its own backends, ambassador and workload, all of them processes or sockets as in
 * a pod; what is promised is judged, and everything is measured.
 */
import { seededRandom } from "@outrigger/core/testing";
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
import { resultLines } from "./table.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...processScenarios,
  ...answerScenarios,
  ...changeScenarios,
  ...podScenarios,
  ...ambassadorScenarios,
];

const WARM_UP = 700;

export interface ChaosOptions {
  /** Names; empty: all. */
  readonly names: readonly string[];
  readonly short: boolean;
  readonly seed: number;
  say(text: string): void;
}

export interface ChaosResult {
  readonly node: string;
  readonly seed: number;
  readonly connections: number;
  readonly ejectTimeMilliseconds: number;
  readonly scenarios: readonly ScenarioResult[];
}

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { names, short, seed, say } = options;
  const scenarios: ScenarioResult[] = [];
  const chosen = SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const scenario of chosen) {
    // Of its own for each scenario: what one draws does not change another.
    const random = seededRandom(seed ^ hash(scenario.name));
    const result = await playOne(scenario, short ? 1 : 3, random);
    scenarios.push(result);
    say(resultLines(result));
  }
  return {
    node: process.version,
    seed,
    connections: CONNECTIONS,
    ejectTimeMilliseconds: EJECT_TIME,
    scenarios,
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
