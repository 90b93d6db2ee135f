/** 50 connections that ask as fast as they are answered, for minutes. */
import { Fleet } from "../chaos/fleet.ts";
import { AmbassadorProcess } from "../support/ambassador.ts";
import { span } from "../support/polling.ts";
import { Workload } from "../support/workload.ts";
import { failureLines } from "./failure-lines.ts";
import { MemorySampler } from "./memory.ts";
import type { SteadyResult } from "./result.ts";

export async function soakSteady(short: boolean): Promise<SteadyResult> {
  const seconds = short ? 10 : 180;
  const fleet = await Fleet.start(3);
  const ambassador = await AmbassadorProcess.start({ endpoints: fleet.addresses });
  const workload = new Workload({
    port: ambassador.port,
    connections: 50,
    // Most answers are small; some are read in pieces.
    size: (id) => (id % 50 === 0 ? 100_000 : 200),
    shape: (id) => (id % 3 === 0 ? "chunked" : "sized"),
  });
  try {
    workload.start();
    const sampler = new MemorySampler(ambassador.program);
    await span(short ? 6_000 : 20_000);
    sampler.setBase();
    await span(seconds * 1000);
    const memory = sampler.stop();
    await workload.stop();
    return { kind: "steady", seconds, requests: workload.sent, failures: failureLines(workload), memory };
  } finally {
    await workload.stop();
    await ambassador.end();
    await fleet.end();
  }
}
