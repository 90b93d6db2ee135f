import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { electionsOf, parseLeaderElectorConfig } from "./config.ts";

const problems = (input: object): string => {
  try {
    parseLeaderElectorConfig(input);
  } catch (thrown) {
    return OutriggerError.from(thrown).message;
  }
  return assert.fail(`accepted: ${JSON.stringify(input)}`);
};

test("in a cluster the election's name is all that is needed", () => {
  const [election, ...others] = electionsOf(parseLeaderElectorConfig({ election: "tick" }));
  assert.equal(others.length, 0);
  assert.ok(election);
  const { store, leaseDuration, renewDeadline, retryPeriod, campaign } = election;
  assert.deepEqual(
    [store, leaseDuration, renewDeadline, retryPeriod, campaign],
    [{ kind: "auto" }, 15_000, 10_000, 2_000, "auto"],
  );
});

test("further elections have defaults of their own, and the keys of the first are not theirs", () => {
  const config = parseLeaderElectorConfig({
    election: "tick",
    store: "redis://redis:6379",
    elections: [{ election: "tock", leaseDuration: "30s" }],
  });
  assert.deepEqual(
    electionsOf(config).map(({ election, store, leaseDuration }) => [election, store.kind, leaseDuration]),
    [
      ["tick", "redis", 15_000],
      ["tock", "auto", 30_000],
    ],
  );
  const only = parseLeaderElectorConfig({ elections: [{ election: "tock" }] });
  assert.deepEqual(
    electionsOf(only).map(({ election }) => election),
    ["tock"],
  );
});

const REFUSED: Record<string, readonly [object, RegExp]> = {
  "no election": [{}, /an elector needs one, for example --election my-service/],
  "a name that no Lease may have": [{ election: "Tick_1" }, /lower case letters, digits/],
  "two elections of one name": [
    { election: "tick", elections: [{ election: "tick" }] },
    /"tick" is the name of the first election, too: give one of them another[^]*elections\[0\]\.election/,
  ],
  "timings that cannot work, each with its sentence": [
    { election: "tick", leaseDuration: "10s", renewDeadline: "10s", retryPeriod: "9s" },
    /leaseDuration 10s is not longer than renewDeadline 10s[^]*at leaseDuration[^]*renewDeadline 10s is not longer than 1.2 x retryPeriod 9s[^]*at renewDeadline/,
  ],
  "timings of a further election": [
    { elections: [{ election: "tick", leaseDuration: "1500ms", renewDeadline: "1s", retryPeriod: "100ms" }] },
    /leaseDuration 1.5s is not in whole seconds[^]*elections\[0\]\.leaseDuration/,
  ],
  "a store that is none": [{ election: "t", store: "etcd://x" }, /accepted: auto, kubernetes, redis:/],
  "a password in a URL": [
    { election: "t", store: "redis://:hunter2@redis" },
    /put it into a file and name that \(passwordFile\)/,
  ],
  "a folder without a name": [{ election: "t", store: "file:" }, /accepted: auto/],
  "a password for what has none": [
    { election: "t", store: "memory", passwordFile: "/x" },
    /only a redis:\/\/ store has a password/,
  ],
  "a check that is none": [{ election: "t", health: "3000" }, /tcp:PORT, or http:PORT\/PATH/],
  "a webhook that is none": [{ election: "t", webhooks: "ftp://x" }, /is no URL of a webhook/],
  "a gate of another protocol": [{ election: "t", gate: "80=http://127.0.0.1:81" }, /PORT=tcp:\/\/HOST:PORT/],
  "a gate that would call itself": [{ election: "t", gate: "81=tcp://127.0.0.1:81" }, /would call itself/],
  "a forward port that would call itself": [
    { election: "t", forward: "127.0.0.1:81=http://127.0.0.1:81" },
    /would call itself/,
  ],
  "a forward port without a workload": [{ election: "t", forward: "8080" }, /forward/],
  "two workloads behind a port": [
    { election: "t", forward: "80=http://127.0.0.1:81,127.0.0.1:82" },
    /PORT=http:\/\/HOST:PORT/,
  ],
  "an unknown option of a port": [
    { election: "t", forward: "80=http://127.0.0.1:81?timeout=1s" },
    /[Uu]nrecognized key: "timeout"/,
  ],
  "a signal that nobody knows": [{ election: "t", signalProcess: "nginx", signalEnded: "SIGFOO" }, /SIGUSR2/],
  "an address without a port": [{ election: "t", address: "10.0.0.1" }, /HOST:PORT/],
  "a misspelt key": [{ election: "t", retriePeriod: "1s" }, /retriePeriod/],
};
for (const [what, [input, sentence]] of Object.entries(REFUSED))
  test(`${what} is refused, with what is accepted`, () => {
    const message = problems(input);
    assert.match(message, sentence);
    assert.doesNotMatch(message, /hunter2/);
  });

test("a port calls itself under every name that its own address has, and only then", () => {
  const refused = (gate: string): boolean => {
    try {
      parseLeaderElectorConfig({ election: "t", gate });
      return false;
    } catch {
      return true;
    }
  };
  for (const gate of [
    "localhost:81=tcp://127.0.0.1:81",
    "[::1]:81=tcp://localhost:81",
    "81=tcp://LOCALHOST:81",
    "81=tcp://0.0.0.0:81",
    "81=tcp://[::]:81",
    "81=tcp://[0:0:0:0:0:0:0:1]:81",
    "81=tcp://[::ffff:127.0.0.1]:81",
    "127.0.0.1:81=tcp://0.0.0.0:81",
    "127.0.0.1:81=tcp://[::ffff:127.0.0.1]:81",
    "81=tcp://[::ffff:0.0.0.0]:81",
    "10.0.0.1:81=tcp://10.0.0.1:81",
  ])
    assert.ok(refused(gate), gate);
  for (const gate of [
    "81=tcp://127.0.0.1:82",
    "127.0.0.1:81=tcp://127.0.0.2:81",
    "10.0.0.1:81=tcp://127.0.0.1:81",
    "81=tcp://db:81",
    "81=tcp://db.1234:81",
  ])
    assert.ok(!refused(gate), gate);
});

test("ports, commands and stores are read from one line each", () => {
  const config = parseLeaderElectorConfig({
    election: "t",
    store: "file:///var/run/elections",
    child: `node ticker.js "two words"`,
    gate: "5432=tcp://127.0.0.1:15432?connectTimeout=1s",
    forward: "[::1]:8080=http://127.0.0.1:3000",
    webhooks: "http://hooks/a,https://hooks/b",
  });
  assert.deepEqual(config.store, { kind: "file", folder: "/var/run/elections" });
  assert.deepEqual(config.child, ["node", "ticker.js", "two words"]);
  assert.deepEqual(
    [config.gate?.listen, config.gate?.workload, config.gate?.options.connectTimeout],
    [{ port: 5432 }, { host: "127.0.0.1", port: 15_432 }, 1_000],
  );
  assert.deepEqual(
    [config.forward?.listen, config.forward?.options.retryFor],
    [{ host: "::1", port: 8080 }, 2_000],
  );
  assert.deepEqual(config.webhooks, ["http://hooks/a", "https://hooks/b"]);
});
