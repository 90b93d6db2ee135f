/** What the queue's bench measured, as it is kept in test/bench/results, and what it must be. */
import { median } from "./elector-result.ts";
import { svgChart } from "./report.ts";
import { OURS, ratio, type Must, type PeerResult } from "./result.ts";

/** Of the same jobs, in two ways. */
export interface QueueSide {
  readonly name: string;
  /** As fast as they are taken: CPU of the processes of front and worker, a round each, and jobs a second. */
  readonly cpuMicroseconds: readonly number[];
  readonly perSecond: readonly number[];
  /** The backend's own CPU; empty: it is within ours. */
  readonly backendMicroseconds: readonly number[];
  /** At a steady pace: CPU, and milliseconds from the caller's request to the workload's. */
  readonly pacedMicroseconds: readonly number[];
  readonly p50: readonly number[];
  readonly p99: readonly number[];
}

export interface QueueResult {
  readonly bench: "queue";
  readonly node: string;
  readonly rounds: number;
  /** Jobs of a round on Redis, and how many are sent a second at a steady pace. */
  readonly jobs: number;
  readonly perSecond: number;
  readonly concurrency: number;
  readonly missing: readonly string[];
  readonly backends: readonly {
    readonly name: string;
    readonly musts: readonly Must[];
    readonly sides: readonly QueueSide[];
  }[];
}

export const MINIMAL = "node:http + BullMQ";
export const MUSTS: Readonly<Record<string, readonly Must[]>> = {
  Redis: [{ peer: MINIMAL, atMost: 1.15, aim: 1 }],
};

/** As the other benches have them, for the ratio and the chart. */
export const peersOf = (sides: readonly QueueSide[]): PeerResult[] =>
  sides.map(({ name, cpuMicroseconds, perSecond, p99 }) => ({
    name,
    cpuMicroseconds: median(cpuMicroseconds),
    perSecond: median(perSecond),
    p99Milliseconds: median(p99),
    all: cpuMicroseconds,
  }));

/** One row a side; a must that was missed is said in the table. */
export function queueTable({ backends, perSecond }: QueueResult): string {
  const rows = backends.flatMap(({ name, musts, sides }) =>
    sides.map((side, index) => {
      const must = musts.find(({ peer }) => peer === side.name);
      const value = ratio(peersOf(sides), side.name);
      const compared = side.name === OURS ? "" : value.toFixed(2);
      const limit =
        must === undefined ? "" : `<= ${must.atMost.toFixed(2)} ${value <= must.atMost ? "yes" : "**NO**"}`;
      const own = side.backendMicroseconds;
      const figures = [
        median(side.cpuMicroseconds).toFixed(0),
        compared,
        limit,
        own.length === 0 ? "" : median(own).toFixed(0),
        median(side.perSecond).toFixed(0),
        median(side.pacedMicroseconds).toFixed(0),
        median(side.p50).toFixed(2),
        median(side.p99).toFixed(2),
      ];
      return `| ${index === 0 ? name : ""} | ${side.name} | ${figures.join(" | ")} |`;
    }),
  );
  return [
    `| backend | who | CPU us/job | ratio (ours / theirs) | must | the backend's own CPU | jobs/s | CPU us/job at ${perSecond}/s | begun after, p50 ms | p99 ms |`,
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** All backends to one scale. */
export function queueChart({ backends }: QueueResult): string {
  const peers = backends.flatMap(({ name, sides }) =>
    peersOf(sides).map((peer) => ({ ...peer, name: `${peer.name}, ${name}` })),
  );
  return svgChart([{ title: "Front and worker", peers }], "job");
}

/** Musts that were not reached, and backends of which nothing is proven. */
export function queueFailures({ backends, missing }: QueueResult): string[] {
  return [
    ...missing.map((why) => `nothing is proven: ${why}`),
    ...backends.flatMap(({ name, musts, sides }) =>
      musts.flatMap(({ peer, atMost }) => {
        const value = ratio(peersOf(sides), peer);
        return value <= atMost
          ? []
          : [`${name}: ${value.toFixed(2)} x ${peer}, must be <= ${atMost.toFixed(2)}`];
      }),
    ),
  ];
}
