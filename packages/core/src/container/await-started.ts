/**
 * `--await-started`: what a classic sidecar's postStart runs. The kubelet starts the next container of a pod only after
 * postStart has returned, so that waiting here is what keeps the workload from calling before anybody listens.
 */
import { request } from "node:http";
import { formatHostPort, type HostPort } from "../config/schema-blocks.ts";
import { OutriggerError } from "../errors.ts";
import { sleepOn, type Clock } from "../time/clock.ts";
import { formatDuration, type Milliseconds } from "../units.ts";

/** The kubelet sets postStart no limit of its own: without one, a container that never starts would say nothing. */
export const AWAIT_STARTED_DEFAULT: Milliseconds = 60_000;
const EVERY: Milliseconds = 100;
const PATIENCE: Milliseconds = 1_000;

/**
 * Asks the container of that probe address for /startupz until it answers 200.
 * @param span how long, at most
 * @throws OutriggerError `not-started` when it did not in that time, with what it said last; `bad-config` for port 0
 */
export async function awaitStarted(probe: HostPort, span: Milliseconds, clock: Clock): Promise<void> {
  if (probe.port === 0) {
    throw new OutriggerError(
      "bad-config",
      "--await-started: port 0 is another port each time: give --probe a port",
    );
  }
  const address = reachable(probe);
  const end = clock.now() + span;
  for (;;) {
    const answer = await ask(address);
    if (answer === "started") return;
    if (clock.now() >= end) {
      throw new OutriggerError(
        "not-started",
        `not started within ${formatDuration(span)}: http://${formatHostPort(address)}/startupz ${answer}; see the container's log, or allow more with --await-started=DURATION`,
      );
    }
    await sleepOn(clock, EVERY);
  }
}

/** Where one dials what listens on every interface. */
function reachable({ host, port }: HostPort): { host: string; port: number } {
  if (host === undefined || host === "0.0.0.0") return { host: "127.0.0.1", port };
  return { host: host === "::" ? "::1" : host, port };
}

function ask({ host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(
      { host, port, path: "/startupz", agent: false, timeout: PATIENCE },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode === 200 ? "started" : `answers ${incoming.statusCode}`);
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${formatDuration(PATIENCE)}`)));
    outgoing.on("error", ({ message }) => resolve(`cannot be asked (${message})`));
    outgoing.end();
  });
}
