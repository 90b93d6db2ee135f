/** 1,000 reloads of the configuration while 50 connections ask as fast as they are answered. */
import { Fleet } from "../chaos/fleet.ts";
import { AmbassadorProcess } from "../support/ambassador.ts";
import { span, until } from "../support/polling.ts";
import { freePort } from "@outrigger/core/testing";
import { Workload } from "../support/workload.ts";
import { MemorySampler } from "./memory.ts";
import { failureLines } from "./failure-lines.ts";
import type { ReloadsResult } from "./result.ts";

const CONNECTIONS = 50;

export async function soakReloads(short: boolean): Promise<ReloadsResult> {
  const warmUp = short ? 20 : 100;
  const reloads = short ? 50 : 1_000;
  const fleet = await Fleet.start(3);
  const ambassador = await AmbassadorProcess.start({ endpoints: fleet.addresses });
  const secondPort = await freePort();
  const successes = (): Promise<number> =>
    ambassador.metric("outrigger_config_reloads_total", 'result="success"');
  let done = await successes();
  const reload = async (number: number): Promise<void> => {
    ambassador.write(variant(ambassador, fleet, secondPort, number));
    ambassador.program.kill("SIGHUP");
    // Not the count alone: the watch of the file may have told of the one before, too.
    const before = done;
    await until("the reload is done", async () => (done = await successes()) > before);
  };
  let workload = new Workload({ port: ambassador.port, connections: CONNECTIONS }).start();
  try {
    const sampler = new MemorySampler(ambassador.program);
    for (let number = 0; number < warmUp; number++) await reload(number);
    await reload(0);
    const filesBase = await filesAtRest(ambassador, workload);
    const warm = failureLines(workload);

    workload = new Workload({ port: ambassador.port, connections: CONNECTIONS, firstId: 1e9 }).start();
    await span(6_000);
    sampler.setBase();
    const began = performance.now();
    for (let number = 0; number < reloads; number++) await reload(number);
    const seconds = Math.round((performance.now() - began) / 1000);
    const memory = sampler.stop();
    await reload(0);
    const filesEnd = await filesAtRest(ambassador, workload);
    return {
      kind: "reloads",
      reloads,
      seconds,
      requests: workload.sent,
      failures: [...warm, ...failureLines(workload)],
      filesBase,
      filesEnd,
      memory,
    };
  } finally {
    await workload.stop();
    await ambassador.end();
    await fleet.end();
  }
}

/** Open files when the workload has gone and no upstream connection is kept any more. */
async function filesAtRest(ambassador: AmbassadorProcess, workload: Workload): Promise<number> {
  await workload.stop();
  await until("every connection is closed", async () => {
    const client = await ambassador.metric("outrigger_http_client_connections");
    return client + (await ambassador.metric("outrigger_http_upstream_connections")) === 0;
  });
  return ambassador.program.openFiles();
}

/** In turn: all endpoints; one less; other settings; a second route, which the next reload drops again. */
function variant(ambassador: AmbassadorProcess, fleet: Fleet, secondPort: number, number: number): string {
  const { routes, ...rest } = ambassador.document({ endpoints: fleet.addresses }) as { routes: object[] };
  const changed = [
    routes,
    routes.map((route) => ({ ...route, endpoints: fleet.addresses.slice(1) })),
    routes.map((route) => ({ ...route, retries: 3, ejectAfter: 7, balance: "round-robin" })),
    [
      ...routes,
      { name: "second", listen: `127.0.0.1:${secondPort}`, protocol: "http", endpoints: fleet.addresses },
    ],
  ];
  return JSON.stringify({ ...rest, routes: changed[number % changed.length] });
}
