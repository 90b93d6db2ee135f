/** The container's entry as its users run it: processes with flags, signals, a child, and one folder between them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "@outrigger/core/testing";
import { get, runContainer, startContainer, type ContainerProcess } from "@outrigger/core/testing/container";
import { splitWords } from "./config/command-words.ts";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(PACKAGE, "bin", "outrigger-leader-elector.js");
const scratch = mkdtempSync(join(tmpdir(), "outrigger-leader-elector-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A lease that no busy machine makes anybody lose, or one that is soon over. */
const STEADY = ["--retry-period", "200ms"];
const SHORT = ["--lease-duration", "2s", "--renew-deadline", "1500ms", ...STEADY];
let elections = 0;

/** An election that no other test has. */
const fresh = (timing: readonly string[]): string[] => [
  ...["--election", `e${++elections}`, "--store", `file:${scratch}/leases`],
  ...timing,
];

const replica = (id: string, election: readonly string[], ...args: string[]): Promise<ContainerProcess> =>
  startContainer(BIN, [...election, "--id", id, "--http", "127.0.0.1:0", ...args]);

const leads = async ({ port }: ContainerProcess): Promise<boolean> =>
  (await get(port, "/isLeader")).status === 200;

/** The one of them that leads, as soon as one does. */
async function leaderOf(...replicas: ContainerProcess[]): Promise<ContainerProcess> {
  for (const end = Date.now() + 20_000; Date.now() < end;)
    for (const one of replicas) if (await leads(one)) return one;
  return assert.fail("nobody leads");
}

interface Told {
  readonly name: string;
  readonly token: number | null;
  readonly renewedAt: string;
}

/** What it tells once it has seen that this one leads. */
async function seesLeader({ port }: ContainerProcess, id: string): Promise<Told> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const told = JSON.parse((await get(port, "/leader")).body) as Told;
    if (told.name === id) return told;
  }
  return assert.fail(`it never saw ${id} lead`);
}

/** A child that writes down when it begins and when it is told to end, with its token; the end takes it a while. */
function ticker(log: string, last: number): string {
  const file = join(scratch, `${log}.mjs`);
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
const note = (what) => appendFileSync(process.argv[2], what + " " + process.env.OUTRIGGER_TOKEN + "\\n");
note("begin");
process.on("SIGTERM", () => setTimeout(() => { note("end"); process.exit(0); }, ${last}));
setInterval(() => {}, 1000);
`,
  );
  return `${process.execPath} ${file} ${join(scratch, log)}`;
}

const noted = (log: string): string[] =>
  existsSync(join(scratch, log)) ? readFileSync(join(scratch, log), "utf8").trim().split("\n") : [];

describe("the container", () => {
  it("leads with its child, tells it on both servers, and at SIGTERM gives the lease back only when the child has ended", async () => {
    const election = fresh(STEADY);
    const child = ticker("handover", 700);
    const first = await replica("a", election, "--child", child);
    await leaderOf(first);
    await eventually("the first child has begun", () => noted("handover").length === 1);
    const second = await replica("b", election, "--child", child);
    assert.equal(await leads(second), false);
    const told = await seesLeader(second, "a");
    assert.equal(told.token, null);
    assert.equal((await get(first.probe, "/isLeader")).status, 200);
    assert.equal((await get(second.probe, "/isLeader")).status, 409);
    assert.match(
      (await get(first.probe, "/metrics")).body,
      /outrigger_election_is_leader\{election="e\d+"\} 1\n/,
    );
    const control = { headers: { "x-outrigger-control": "1" } };
    assert.match(
      (await get(second.control, "/elections", control)).body,
      /^\[\{"name":"a","isLeader":false,/,
    );
    first.child.kill("SIGTERM");
    assert.equal(await first.exited, 0);
    await leaderOf(second);
    await eventually("the second child has begun", () => noted("handover").length === 3);
    second.child.kill("SIGTERM");
    assert.equal(await second.exited, 0);
    const [begin = "", end, next = "", last] = noted("handover");
    const [one, other] = [begin, next].map((line) => Number(line.split(" ")[1])) as [number, number];
    assert.deepEqual(
      [begin, end, next, last],
      [`begin ${one}`, `end ${one}`, `begin ${other}`, `end ${other}`],
    );
    assert.ok(other > one);
  });

  it("takes over from one that was killed, under a higher token", async () => {
    const election = fresh(SHORT);
    const first = await replica("a", election);
    await leaderOf(first);
    const { token } = JSON.parse((await get(first.port, "/leader")).body) as { token: number };
    const second = await replica("b", election);
    first.child.kill("SIGKILL");
    await leaderOf(second);
    const after = JSON.parse((await get(second.port, "/leader")).body) as { token: number; name: string };
    assert.ok(after.token > token && after.name === "b");
  });

  it("that was stopped past its lease answers no to its first question when it goes on", async () => {
    const election = fresh(SHORT);
    const first = await replica("a", election);
    await leaderOf(first);
    const second = await replica("b", election);
    first.child.kill("SIGSTOP");
    await leaderOf(second);
    // It is in the kernel's hands when the process goes on, before any of its timers.
    const answer = get(first.port, "/isLeader");
    first.child.kill("SIGCONT");
    assert.equal((await answer).status, 409);
  });

  it("waits at SIGTERM until a workload that holds its HTTP API has gone", async () => {
    const election = fresh(STEADY);
    const first = await replica("a", election);
    await leaderOf(first);
    const second = await replica("b", election);
    const workload = new AbortController();
    const stream = await fetch(`http://127.0.0.1:${first.port}/sse`, { signal: workload.signal });
    const reader = stream.body?.getReader();
    await reader?.read();
    first.child.kill("SIGTERM");
    await first.line(/^draining$/);
    const told = new TextDecoder();
    for (let text = ""; !text.includes(`"state":"ending"`);)
      text += told.decode((await reader?.read())?.value);
    // It goes on renewing: another would lead by the second of these otherwise.
    const renewals = new Set<string>();
    while (renewals.size < 3) renewals.add((await seesLeader(second, "a")).renewedAt);
    workload.abort();
    assert.equal(await first.exited, 0);
    await leaderOf(second);
  });

  it("says in a sentence what is wrong with its flags, and ends with 2; without a store outside of a cluster with 1", () => {
    const { status, stderr } = runContainer(BIN, "--election", "tick", "--lease-duration", "5s");
    assert.equal(status, 2);
    assert.match(stderr, /leaseDuration 5s is not longer than renewDeadline 10s: another could lead/);
    const none = runContainer(
      BIN,
      "--election",
      "tick",
      "--http",
      "127.0.0.1:0",
      "--probe",
      "127.0.0.1:0",
      "--control",
      "0",
    );
    assert.equal(none.status, 1);
    assert.match(
      none.stdout,
      /"msg":"failed: this is no cluster, so say where the lease stands: --store redis:/,
    );
  });

  it("prints its manual, its rights, and its configuration", () => {
    const { stdout } = runContainer(BIN, "--help");
    for (const flag of ["--election NAME", "--print-role", "--child COMMAND", "env OUTRIGGER_RETRY_PERIOD"])
      assert.ok(stdout.includes(flag), flag);
    const role = runContainer(BIN, "--election", "tick", "--print-role", "--namespace", "prod").stdout;
    assert.match(role, /resourceNames: \["tick"\]\n {4}verbs: \[get, update\]/);
    const none = runContainer(BIN, "--election", "tick", "--store", "memory", "--print-role");
    assert.deepEqual([none.status, none.stdout], [2, ""]);
    assert.match(none.stderr, /no election has its lease in a cluster/);
    assert.match(runContainer(BIN, "--election", "tick", "--print-config").stdout, /^retryPeriod: 2s$/m);
  });
});

describe("the README", () => {
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");

  it("names every metric that there is, and none that there is not", async () => {
    const { probe, child, exited } = await replica(
      "a",
      fresh(STEADY),
      ...["--child", "sleep 60", "--gate", "127.0.0.1:0=tcp://127.0.0.1:9"],
      ...["--forward", "127.0.0.1:0=http://127.0.0.1:9", "--on-ended", "true", "--signal-process", "none"],
      ...["--webhooks", "http://127.0.0.1:9/"],
    );
    const own =
      /outrigger_(?:election|forward|gate|child|webhook|command_hook|signal_hook|leader_slice)_\w+/g;
    const { body } = await get(probe, "/metrics");
    const real = new Set([...body.matchAll(/^# TYPE (\w+) /gm)].map(([, name = ""]) => name));
    const told = new Set([...readme.matchAll(own)].map(([name]) => name));
    // Of a duty that only a cluster has; those of events that have not been.
    const unseen = new Set(["outrigger_leader_slice_failures_total", "outrigger_election_ends_total"]);
    assert.deepEqual(
      [...told].filter((name) => !unseen.has(name)).sort(),
      [...real]
        .filter((name) => name.match(own))
        .filter((name) => !unseen.has(name))
        .sort(),
    );
    child.kill("SIGTERM");
    await exited;
  });

  it("has code that runs as it stands", () => {
    const code = /```js\n([^]*?)```/.exec(readme)?.[1] ?? "";
    const file = join(PACKAGE, "dist", "readme-code.mjs");
    writeFileSync(file, code);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      encoding: "utf8",
      timeout: 60_000,
    });
    rmSync(file);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^true 1n\nending\n(ending\n)?standby\n$/m);
  });

  it("has command lines and arguments of a pod that are accepted as they stand", () => {
    const lines = [...readme.matchAll(/^(?:\w+=\w+ )?npx outrigger-leader-elector ([^|\n]*)/gm)].map(
      ([, line = ""]) => line,
    );
    assert.equal(lines.length, 3);
    for (const line of lines) {
      const { status, stderr } = runContainer(BIN, ...splitWords(line), "--check-config");
      assert.equal(status, 0, `${line}: ${stderr}`);
    }
    const args = JSON.parse(/^ +args: (\[.*?\])/m.exec(readme)?.[1] ?? "") as string[];
    assert.equal(runContainer(BIN, ...args, "--check-config").status, 0);
  });

  it("has the pod's service account in the line that prints its rights", () => {
    const account = /^ +serviceAccountName: (\w+)$/m.exec(readme)?.[1] ?? "";
    assert.match(readme, new RegExp(`^kubectl create serviceaccount ${account}$`, "m"));
    assert.match(readme, new RegExp(`^POD_SERVICE_ACCOUNT=${account} npx .*--print-role`, "m"));
  });
});
