/**
 * Five contenders for one lease on a real store. A storm of faults, then calm, in which one of the healthy must lead within
 * the bound; then the leader is killed, paused for longer than its lease, or told to go, and another must follow in time.
 * What everybody wrote down is judged at the end.
 */
import { RedisServer } from "@outrigger/core/testing";
import { span, until } from "../../support/polling.ts";
import { Field, type Contender, type Kind } from "./field.ts";
import { judgeLedger, termsOf } from "./ledger.ts";
import { BOUNDS } from "./timing.ts";

export interface ElectorScenario {
  readonly name: string;
  readonly promise: string;
  readonly store: "redis" | "file";
  /** `container`: with a child, which a stopped elector cannot end: only killed and told to go. Default: candidate. */
  readonly kind?: Kind;
}

export interface ElectorResult {
  readonly name: string;
  readonly promise: string;
  readonly seconds: number;
  readonly terms: number;
  /** Those that reached the resource, and those of them that it refused: who was paused between asking and acting. */
  readonly acts: number;
  readonly refused: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Milliseconds from a fault at the leader in calm until another led. */
  readonly failovers: readonly { readonly fault: LeaderFault; readonly milliseconds: number }[];
  /** What does not hold; empty: passed. */
  readonly broken: readonly string[];
}

export const ELECTOR_SCENARIOS: readonly ElectorScenario[] = [
  {
    name: "elector-redis",
    promise:
      "5 candidates on Redis, stopped and killed at random: never two leaders, tokens rise, one leads in time",
    store: "redis",
  },
  {
    name: "elector-file",
    promise: "the same on a shared folder",
    store: "file",
  },
  {
    name: "elector-child",
    promise:
      "5 containers with --child, killed and told to go at random: never do two children run, tokens rise",
    store: "redis",
    kind: "container",
  },
];

type LeaderFault = "kill -9" | "SIGSTOP" | "SIGTERM";

const CONTENDERS = 5;
const ASKED_MEANWHILE = 100;
/** Between two gusts of a storm, in milliseconds: a standby must also live to see a lease expire. */
const LULL = 300;
const LONGEST_LULL = 1_500;
const LEADER_FAULTS: readonly LeaderFault[] = ["kill -9", "SIGSTOP", "SIGTERM"];

/** From the seed, and how long all of it goes on. */
export interface Weather {
  /** Milliseconds of storm, over all rounds. */
  readonly storm: number;
  readonly rounds: number;
  /** 0 <= random() < 1. */
  readonly random: () => number;
}

export async function playElector(scenario: ElectorScenario, weather: Weather): Promise<ElectorResult> {
  const { kind = "candidate" } = scenario;
  const redis = scenario.store === "redis" ? await RedisServer.start() : null;
  const field = await Field.start(CONTENDERS, (folder) => redis?.url ?? `file:${folder}/lease`, kind);
  try {
    const pauses = kind !== "container";
    const contest = new Contest(field, redis, weather, pauses);
    const faults = LEADER_FAULTS.filter((fault) => pauses || fault !== "SIGSTOP");
    const began = performance.now();
    for (let round = 0; round < weather.rounds; round++) {
      await contest.storm(weather.storm / weather.rounds);
      await contest.calm(faults[round % faults.length] as LeaderFault);
    }
    const { journals, resource } = field;
    return {
      name: scenario.name,
      promise: scenario.promise,
      seconds: Math.round((performance.now() - began) / 1_000),
      terms: termsOf(journals).length,
      acts: resource.acts.length,
      refused: resource.refused,
      faults: contest.faults,
      failovers: contest.failovers,
      broken: [...contest.broken, ...judgeLedger(journals, resource.acts, pauses)],
    };
  } finally {
    redis?.kill("SIGCONT");
    await field.end();
    await redis?.end();
  }
}

class Contest {
  readonly faults: Record<string, number> = {};
  readonly failovers: { fault: LeaderFault; milliseconds: number }[] = [];
  readonly broken: string[] = [];
  readonly #field: Field;
  readonly #redis: RedisServer | null;
  readonly #random: () => number;
  readonly #pauses: boolean;
  #storePaused = false;

  constructor(field: Field, redis: RedisServer | null, { random }: Weather, pauses: boolean) {
    this.#pauses = pauses;
    this.#field = field;
    this.#redis = redis;
    this.#random = random;
  }

  async storm(milliseconds: number): Promise<void> {
    for (const end = performance.now() + milliseconds; performance.now() < end;) {
      await this.#gust();
      await span(LULL + this.#random() * (LONGEST_LULL - LULL));
    }
  }

  async #gust(): Promise<void> {
    const { contenders } = this.#field;
    const drawn = Math.floor(
      this.#random() * (contenders.length + (this.#redis === null || !this.#pauses ? 0 : 1)),
    );
    const contender = contenders[drawn];
    // Without pauses the first half is the second.
    const how = this.#pauses ? this.#random() : 0.5 + this.#random() / 2;
    if (contender === undefined) {
      this.#storePaused = !this.#storePaused;
      this.#redis?.kill(this.#storePaused ? "SIGSTOP" : "SIGCONT");
      if (this.#storePaused) this.#count("SIGSTOP of Redis");
    } else if (!contender.alive || contender.paused) await contender.mend();
    else if (how < 0.5) {
      this.#count("SIGSTOP");
      contender.pause();
    } else {
      this.#count(how < 0.8 ? "kill -9" : "SIGTERM");
      await (how < 0.8 ? contender.kill() : contender.terminate());
    }
  }

  /** Everything is mended: one leads in time. Then that one fails: another leads in time. */
  async calm(fault: LeaderFault): Promise<void> {
    await Promise.all(this.#field.contenders.map((contender) => contender.mend()));
    this.#storePaused = false;
    this.#redis?.kill("SIGCONT");
    const led = await this.#next("in the calm after a storm", process.hrtime.bigint(), BOUNDS.crash, null);
    if (led === null) return;
    this.#count(`${fault} of the leader`);
    const at = process.hrtime.bigint();
    if (fault === "SIGSTOP") led.contender.pause();
    else await (fault === "SIGTERM" ? led.contender.terminate() : led.contender.kill());
    const bound = fault === "SIGTERM" ? BOUNDS.graceful : BOUNDS.crash;
    const next = await this.#next(`${fault} of the leader`, at, bound, led.contender);
    if (next !== null) this.failovers.push({ fault, milliseconds: next.milliseconds });
    await led.contender.mend();
    // It was paused for longer than it may believe: what it answers now is judged with everything else.
    await span(ASKED_MEANWHILE);
  }

  async #next(
    when: string,
    after: bigint,
    bound: number,
    but: Contender | null,
  ): Promise<{ contender: Contender; milliseconds: number } | null> {
    const look = () => this.#field.leaderSince(after, but);
    // Longer than the bound, to tell late from never.
    const latest = bound + (this.#pauses ? 0 : BOUNDS.child);
    await until("somebody leads", () => look() !== null, 3 * latest).catch(() => {});
    const found = look();
    if (found === null) {
      this.broken.push(`${when}: nobody led within ${3 * latest} ms, must be within ${latest} ms`);
      return null;
    }
    const milliseconds = Math.round(Number(found.from - after) / 1e6);
    if (milliseconds > latest)
      this.broken.push(`${when}: one led after ${milliseconds} ms, must be within ${latest} ms`);
    return { contender: found.contender, milliseconds };
  }

  #count(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }
}
