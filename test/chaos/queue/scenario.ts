/** What the work queue's chaos tries, and what comes of it. */
import { playStorm } from "./storm.ts";
import { playStrikes } from "./strikes.ts";
import { playTrouble, type Trouble } from "./trouble.ts";

export interface QueueScenario {
  readonly name: string;
  readonly promise: string;
  /** In the short form only by name. */
  readonly isLong?: boolean;
  play(weather: QueueWeather): Promise<QueueResult>;
}

export interface QueueResult {
  readonly seconds: number;
  readonly requests: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  /** Why it could not be played here. */
  readonly skipped?: string;
}

export interface QueueWeather {
  /** Milliseconds. */
  readonly storm: number;
  /** Only some of what would take minutes. */
  readonly short: boolean;
  readonly random: () => number;
}

const KINDS = ["redis", "postgres", "embedded"] as const;

const TROUBLES: Readonly<Record<Trouble, string>> = {
  "full-redis":
    "the disk of a Redis is full for a while: what was told 202 is done, others are told why not, and it goes on",
  "full-redis-always": "that of one with appendfsync always, which ends then: started again it goes on",
  "full-blobs": "that of large bodies in a folder: the same, and nothing is started again",
  "full-postgres": "that of a Postgres: the same, with what has ended started again",
  "full-embedded": "that of an embedded queue: the same",
  "redis-memory": "the memory of a Redis is full (maxmemory, noeviction) for a while: the same",
  "redis-paused": "a Redis is stopped (SIGSTOP) for longer than lockDuration: the same",
  "postgres-restarted": "a Postgres is shut down, and started again seconds later: the same",
};

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
    isLong: true,
    name: `queue-await-${kind}`,
    promise: `the front is killed at each await between a request and its 202, on ${kind}: what was told 202 is done, and once`,
    play: (weather: QueueWeather) => playStrikes(kind, "front", weather),
  })),
  ...(["redis", "postgres"] as const).map((kind) => ({
    isLong: true,
    name: `queue-await-${kind}-ends`,
    promise: `${kind} is killed at each of them instead: the same`,
    play: (weather: QueueWeather) => playStrikes(kind, "backend", weather),
  })),
  ...Object.entries(TROUBLES).map(([name, promise]) => ({
    ...{ name: `queue-${name}`, promise, isLong: true },
    play: () => playTrouble(name as Trouble),
  })),
];
