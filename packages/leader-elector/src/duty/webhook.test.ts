/** Webhooks, told to real servers. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually } from "@outrigger/core/testing";
import { createTerm, dutyDeps } from "../testing/term.ts";
import { parseWebhookUrl } from "./webhook-url.ts";
import { Webhook, type WebhookOptions } from "./webhook.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-webhook-"));
const ends: (() => void)[] = [() => rmSync(scratch, { recursive: true, force: true })];
after(() => ends.forEach((end) => end()));
const calm = new AbortController().signal;

interface Told {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function receiver(
  answer: (response: ServerResponse, count: number) => void = (response) => response.end(),
) {
  const told: Told[] = [];
  const handle: RequestListener = (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method, url, headers } = request;
      told.push({ method, url, headers, body });
      answer(response, told.length);
    });
  };
  const server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { told, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1` };
}

function create(options: WebhookOptions) {
  const clock = new VirtualClock();
  const deps = { ...dutyDeps(clock), random: () => 1 };
  return { webhook: new Webhook(options, deps), ...deps, clock };
}

/** Time passes for as long as it takes. */
async function whileTimePasses<Value>(clock: VirtualClock, promise: Promise<Value>): Promise<Value> {
  let done = false;
  const settled = promise.finally(() => (done = true));
  settled.catch(() => {});
  while (!done) await clock.advanceAsync(10);
  return settled;
}

test("each URL is told who leads, by which token, since when, and at the end why", async () => {
  const [one, other] = [await receiver(), await receiver((response) => response.writeHead(204).end())];
  const { webhook } = create({ urls: [one.url, other.url] });
  await webhook.begin(createTerm(2n ** 60n), calm);
  await webhook.end(createTerm(2n ** 60n), "sick", calm);
  for (const { told } of [one, other]) {
    const shared = {
      election: "ticker",
      id: "pod-1",
      token: 2 ** 60,
      acquiredAt: "2026-01-02T00:00:00.000Z",
    };
    assert.deepEqual(
      told.map(({ body }) => JSON.parse(body) as unknown),
      [
        { ...shared, event: "acquired", reason: null },
        { ...shared, event: "ended", reason: "sick" },
      ],
    );
    const [{ method, url, headers } = {} as Told] = told;
    assert.deepEqual([method, url, headers["content-type"]], ["POST", "/hook?x=1", "application/json"]);
    assert.equal(headers["x-outrigger-signature"], undefined);
  }
});

test("with a secret the body is signed, by what the file has then", async () => {
  const { told, url } = await receiver();
  const secretFile = join(scratch, "secret");
  const { webhook } = create({ urls: [url], secretFile });
  for (const key of ["one", "two"]) {
    writeFileSync(secretFile, `${key}\n`);
    await webhook.begin(createTerm(), calm);
    const { headers, body } = told.at(-1) as Told;
    assert.equal(
      headers["x-outrigger-signature"],
      `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
    );
  }
  rmSync(secretFile);
  await assert.rejects(webhook.begin(createTerm(), calm), /ENOENT/);
  assert.equal(told.length, 2);
});

test("5xx is tried again, after a random part of a span that doubles, until the limit", async () => {
  const { told, url } = await receiver((response, count) => response.writeHead(count < 4 ? 503 : 200).end());
  const { webhook, clock } = create({ urls: [url] });
  await whileTimePasses(clock, webhook.begin(createTerm(), calm));
  assert.equal(told.length, 4);
  assert.ok(clock.now() >= 700, "100 + 200 + 400");

  const bad = await receiver((response) => response.writeHead(500).end("no\x1b[31m disk"));
  const failing = create({ urls: [url, bad.url], timeLimit: 1_000 });
  await assert.rejects(
    whileTimePasses(failing.clock, failing.webhook.begin(createTerm(), calm)),
    new RegExp(
      `^OutriggerError: webhook ${bad.url.replace("?", "\\?")}, acquired: it was not told within 1s; at last: it answered 500: no \\[31m disk$`,
    ),
  );
  assert.match((await failing.metrics.expose()).body, /webhook_failures_total\{event="acquired"\} 1/);
});

test("a connection that is refused or breaks is tried again", async () => {
  const { told, url } = await receiver((response, count) => {
    if (count === 1) response.socket?.destroy();
    else response.end();
  });
  const { webhook, clock } = create({ urls: [url] });
  await whileTimePasses(clock, webhook.begin(createTerm(), calm));
  assert.equal(told.length, 2);
});

test("who switches protocols unasked is given up at the limit", async () => {
  const { told, url } = await receiver((response) => {
    response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  });
  const { webhook, clock } = create({ urls: [url] });
  await assert.rejects(
    whileTimePasses(clock, webhook.begin(createTerm(), calm)),
    /not told within 5s; at last: it gave no answer/,
  );
  assert.ok(told.length > 1, "it was tried again");
});

test("what the receiver means is not tried again, and a redirect is not followed", async () => {
  const elsewhere = await receiver();
  for (const status of [302, 307, 404, 409]) {
    const { told, url } = await receiver((response) =>
      response.writeHead(status, { location: elsewhere.url }).end(),
    );
    await assert.rejects(
      create({ urls: [url] }).webhook.begin(createTerm(), calm),
      new RegExp(`it answered ${status}`),
    );
    assert.equal(told.length, 1);
  }
  assert.equal(elsewhere.told.length, 0);
});

test("who does not answer is given up at the limit, or when the term ends meanwhile", async () => {
  const { told, url } = await receiver(() => {});
  const first = create({ urls: [url], timeLimit: 3_000 });
  const begun = first.webhook.begin(createTerm(), calm);
  begun.catch(() => {});
  await eventually("it was told", () => told.length === 1);
  first.clock.advance(3_000);
  await assert.rejects(begun, /it was not told within 3s$/);

  const over = new AbortController();
  const second = create({ urls: [url] });
  const waiting = second.webhook.begin(createTerm(), over.signal);
  waiting.catch(() => {});
  await eventually("it was told", () => told.length === 2);
  over.abort(new Error("resigned"));
  await assert.rejects(waiting, /resigned/);
  assert.equal(second.clock.pendingTimers, 0);
});

test("at the end a failure is logged, and hurry cuts it short", async () => {
  const { told, url } = await receiver(() => {});
  const { webhook, lines, clock } = create({ urls: [url] });
  const hurry = new AbortController();
  const ended = webhook.end(createTerm(), "lost", hurry.signal);
  await eventually("it was told", () => told.length === 1);
  hurry.abort();
  await ended;
  assert.deepEqual(lines, [`error webhook ${url}, ended: the time is up`]);
  assert.equal(clock.pendingTimers, 0);
});

test("an answer without an end is not read for ever: its status counts", async () => {
  const { url } = await receiver((response) => {
    // A write to who has gone fails, on some Nodes without `destroyed`.
    const more = (error?: Error | null): void => {
      if (!error && !response.destroyed) response.write("x".repeat(16_384), more);
    };
    more();
  });
  await create({ urls: [url] }).webhook.begin(createTerm(), calm);
});

test("a URL that is none of a webhook is refused, without its user shown", () => {
  for (const text of ["", "ftp://h/", "http://me:hunter2@h/", "http://h/#x", "h:80"])
    assert.throws(
      () => parseWebhookUrl(text),
      (error: Error) => /is no URL of a webhook/.test(error.message) && !error.message.includes("hunter2"),
      text,
    );
  assert.throws(() => create({ urls: ["x"] }), /is no URL of a webhook/);
});
