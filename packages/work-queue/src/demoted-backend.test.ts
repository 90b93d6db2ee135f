/** A Redis that becomes a replica while its connections stay open, as a failover has it: whoever dials anew finds the primary. */
import { silentLogger, type Logger } from "@outrigger/core";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { Redis } from "ioredis";
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ask, openedQueue, outcome, told } from "./testing/opened-queue.ts";
import { Passage } from "./testing/passage.ts";
import { Workload } from "./testing/workload.ts";

const skip = noRedisServer;

/** Two servers, of which the second follows the first, and who may tell them. */
async function pairOf(t: TestContext): Promise<[RedisServer, RedisServer, Redis, Redis]> {
  const start = (): Promise<RedisServer> =>
    RedisServer.start(["--appendonly", "yes", "--repl-diskless-sync-delay", "0"]);
  const [one, other] = await Promise.all([start(), start()]);
  const [tellOne, tellOther] = [one, other].map(({ port }) => new Redis(port, "127.0.0.1")) as [Redis, Redis];
  t.after(async () => {
    tellOne.disconnect();
    tellOther.disconnect();
    await Promise.all([one.end(), other.end()]);
  });
  await tellOther.replicaof("127.0.0.1", one.port);
  while (!(await tellOther.info("replication")).includes("master_link_status:up")) await pause(10);
  return [one, other, tellOne, tellOther];
}

test("one that is demoted is left by all, and nothing that was kept is lost", { skip }, async (t) => {
  const [one, other, tellOne, tellOther] = await pairOf(t);
  const workload = await Workload.start();
  t.after(() => workload.end());
  const passage = await Passage.to(one.url);
  t.after(() => passage.end());
  const queue = await openedQueue({
    ...{ backend: passage.url, workload: workload.url, rules: ["/later=queue?delay=1h"] },
    schedules: ["yearly = 0 0 29 2 * GET /"],
  });
  t.after(() => queue.stop());
  const post = (path: string): Promise<Response> => ask(queue, path, { method: "POST", body: "x" });
  assert.equal((await outcome(queue, (await told(await post("/first"))).id)).state, "done");
  const later = await told(await post("/later"));
  const before = passage.openTo(one);
  assert.ok(before > 2);
  // WAIT is for what its own connection wrote, and all that was written before.
  await tellOne.set("mark", "");
  assert.equal(await tellOne.wait(1, 10_000), 1);

  await tellOther.replicaof("NO", "ONE");
  passage.leadTo(other.url);
  await tellOne.replicaof("127.0.0.1", other.port);
  let id = "";
  while (id === "") {
    const answer = await post("/job");
    assert.ok([202, 503].includes(answer.status), `${answer.status}`);
    if (answer.status === 202) ({ id } = await told(answer));
    else await pause(10);
  }
  assert.equal((await outcome(queue, id)).state, "done");
  assert.equal(passage.openTo(one), 0);
  assert.ok(passage.openTo(other) > 2);
  assert.equal((await told(await ask(queue, `/jobs/${later.id}`))).state, "waiting");
  // By an event, not by a look.
  const answer = await ask(queue, "/job", { method: "POST", headers: { prefer: "wait=60" } });
  assert.equal(answer.status, 200);
});

test("on a replica no queue is opened, until its name leads to the primary", { skip }, async (t) => {
  const [one, other] = await pairOf(t);
  const workload = await Workload.start();
  t.after(() => workload.end());
  const passage = await Passage.to(other.url);
  t.after(() => passage.end());
  const warned: string[] = [];
  const log: Logger = { ...silentLogger, warn: (said) => void warned.push(JSON.stringify(said)) };
  const queue = await openedQueue({ backend: passage.url, workload: workload.url }, { log });
  t.after(() => queue.stop());
  const post = (): Promise<Response> =>
    ask(queue, "/", { method: "POST", body: "x", headers: { prefer: "wait=60" } });
  assert.equal((await post()).status, 503);
  assert.match(warned.join("\n"), /is a replica, to which nothing/);
  passage.leadTo(one.url);
  while ((await post()).status !== 200) await pause(10);
});
