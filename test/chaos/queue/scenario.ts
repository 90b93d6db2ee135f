/** What the work queue's chaos tries, and what comes of it. */
import { playStorm } from "./storm.ts";
import { playStrikes } from "./strikes.ts";

export interface QueueScenario {
  readonly name: string;
  readonly promise: string;
  play(weather: QueueWeather): Promise<QueueResult>;
}

export interface QueueResult {
  readonly seconds: number;
  readonly requests: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
}

export interface QueueWeather {
  /** Milliseconds. */
  readonly storm: number;
  /** Only some of what would take minutes. */
  readonly short: boolean;
  readonly random: () => number;
}

const KINDS = ["redis", "postgres", "embedded"] as const;

export const QUEUE_SCENARIOS: readonly QueueScenario[] = [
  {
    name: "queue-redis",
    promise: "fronts, workers, workload and Redis killed and stopped at random: every 202 comes to an end",
    play: (weather) => playStorm("redis", weather),
  },
  {
    name: "queue-postgres",
    promise: "the same on Postgres",
    play: (weather) => playStorm("postgres", weather),
  },
  {
    name: "queue-embedded",
    promise: "the same on a folder, with all of ours in one process",
    play: (weather) => playStorm("embedded", weather),
  },
  ...KINDS.map((kind) => ({
    name: `queue-await-${kind}`,
    promise: `the front is killed at each await between a request and its 202, on ${kind}: what was told 202 is done, and once`,
    play: (weather: QueueWeather) => playStrikes(kind, "front", weather),
  })),
  ...(["redis", "postgres"] as const).map((kind) => ({
    name: `queue-await-${kind}-ends`,
    promise: `${kind} is killed at each of them instead: the same`,
    play: (weather: QueueWeather) => playStrikes(kind, "backend", weather),
  })),
];
