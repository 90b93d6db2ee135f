import assert from "node:assert/strict";
import { test } from "node:test";
import { patternListeners } from "./port-claim.ts";

const ambassador = { name: "ambassador", probePort: 14010, controlPort: 14011 };
const context = {
  pod: { id: "default/Pod/shop", label: "shop", specPath: ["spec"] },
  container: { name: "proxy" },
  at: ["containers", 0],
} as unknown as Parameters<ReturnType<typeof patternListeners>["claims"]>[0];

const CASES: readonly [sentence: string, argv: string[], env: Record<string, string>, ports: number[]][] = [
  ["its defaults, where nothing is said", [], {}, [14010, 14011]],
  ["its flags", ["--probe", "1", "--control=127.0.0.1:2"], {}, [1, 2]],
  ["their twins in the environment", [], { OUTRIGGER_PROBE: "1", OUTRIGGER_CONTROL: "[::1]:2" }, [1, 2]],
  [
    "the flag, where both are there",
    ["--probe=3"],
    { OUTRIGGER_PROBE: "1", OUTRIGGER_CONTROL: "" },
    [3, 14011],
  ],
  ["no control port, where it is off", [], { OUTRIGGER_CONTROL: "off" }, [14010]],
  ["no control port, where it is a socket", ["--control", "unix:/x"], {}, [14010]],
  [
    "the routes of the environment",
    [],
    { OUTRIGGER_ROUTES: "80=http://a 0.0.0.0:81=http://b" },
    [14010, 14011, 80, 81],
  ],
  [
    "the routes of the flags in their stead",
    ["--route", "82=http://a"],
    { OUTRIGGER_ROUTES: "80=http://a" },
    [14010, 14011, 82],
  ],
  ["no port that does not exist", ["--route", "70000=http://a"], {}, [14010, 14011]],
];

for (const [sentence, argv, env, ports] of CASES) {
  test(`a pattern container claims ${sentence}`, () => {
    const listeners = patternListeners(ambassador, argv, env);
    assert.deepEqual(
      listeners.claims(context).map(({ port }) => port),
      ports,
    );
    assert.equal(listeners.probe, ports[0]);
  });
}
