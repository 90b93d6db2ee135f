/** As many client connections as the file limit allows: what each costs, that nothing grows, that all is given back. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Fleet } from "../chaos/fleet.ts";
import { AmbassadorProcess } from "../support/ambassador.ts";
import { span, until } from "../support/polling.ts";
import { Program } from "../support/program.ts";
import { FLAT_WITHIN, MemorySampler } from "./memory.ts";
import type { ConnectionsResult } from "./result.ts";

const CROWD = fileURLToPath(new URL("./crowd.js", import.meta.url));
/**
 * The crowd's requests wait for one of these upstream connections: the files that they take are bounded. With the
 * default of 1,024 to each endpoint, a burst of them ends in EMFILE.
 */
export const UPSTREAM = { maxConnections: 128, maxPending: 20_000 };
/** Files that are not for the crowd: 3 x 128 upstream connections, listeners, epoll, what Node itself has open. */
const RESERVED = 500;
/** V8 gives memory back when it finds time to collect; so long it may take, in seconds. */
const GIVEN_BACK_WITHIN = 90;
/** From one address to one port there are 28,000 ports to connect from (ip_local_port_range). */
const MOST = 28_000;

interface CrowdReport {
  readonly connected: number;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly refused: number;
}

export async function soakConnections(short: boolean): Promise<ConnectionsResult> {
  const hardFileLimit = hardLimit();
  const connections = short ? 2_000 : Math.min(hardFileLimit - RESERVED, MOST);
  const holdSeconds = short ? 10 : 60;
  const fleet = await Fleet.start(3);
  const ambassador = await AmbassadorProcess.start({ endpoints: fleet.addresses, ...UPSTREAM });
  let crowd: Program | null = null;
  try {
    const sampler = new MemorySampler(ambassador.program);
    // A few first, so that what is compiled and allocated once is not counted for each.
    const few = Program.nodeWithAllFiles("first few", CROWD, [String(ambassador.port), "200"], true);
    await few.receive();
    await few.ask("close");
    await few.end();
    await span(5_000);
    sampler.setBase();
    const rssBefore = sampler.latest;

    crowd = Program.nodeWithAllFiles("crowd", CROWD, [String(ambassador.port), String(connections)], true);
    const open = (await crowd.receive()) as CrowdReport;
    if (open.connected !== connections)
      throw new Error(`${open.connected} of ${connections} connections are open:\n${open.failures[0]}`);
    // All are open and each has made a request: from here on nothing may grow.
    await span(15_000);
    sampler.setBase();
    await span(holdSeconds * 1000);
    const held = (await crowd.ask("tell")) as CrowdReport;
    const memory = sampler.stop();
    const report = (await crowd.ask("close")) as CrowdReport;
    await crowd.end();
    await until(
      "the ambassador has no connection left",
      async () => (await ambassador.metric("outrigger_http_client_connections")) === 0,
    );
    let rssClosed = ambassador.program.residentBytes();
    let closedSeconds = 0;
    for (; closedSeconds < GIVEN_BACK_WITHIN && rssClosed - rssBefore > FLAT_WITHIN; closedSeconds++) {
      await span(1_000);
      // As a scraper does: a process that is asked nothing at all collects nothing.
      await ambassador.metric("process_open_fds");
      rssClosed = ambassador.program.residentBytes();
    }
    const failures = [...report.failures];
    if (held.connected !== connections)
      failures.push(`${connections - held.connected} connections were lost`);
    return {
      kind: "connections",
      hardFileLimit,
      connections,
      requests: report.requests,
      failures,
      holdSeconds,
      rssBefore,
      rssOpen: memory.max,
      rssClosed,
      closedSeconds,
      bytesPerConnection: Math.round((memory.max - rssBefore) / connections),
      memory,
    };
  } finally {
    await crowd?.end();
    await ambassador.end();
    await fleet.end();
  }
}

/** The hard limit of open files of this process, which its children have, too. */
function hardLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}
