import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import type { PodPlan, PortClaim } from "./plan.ts";
import { containerPorts, patternListeners, taken } from "./port-claim.ts";

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

const podOf = (ports: readonly PortClaim[]): PodPlan =>
  ({ init: [], main: [{ ports }] }) as unknown as PodPlan;
const routeClaims = (listen: string): PortClaim[] =>
  patternListeners(ambassador, ["--probe=0", "--control=off", `--route=${listen}=http://a`], {}).claims(
    context,
  );
/** The addresses of a port that are asked for, each answered with this error code. */
async function asked(
  claims: readonly PortClaim[],
  answer: (address: string) => string | null,
): Promise<{ addresses: string[]; sentences: string[] }> {
  const addresses: string[] = [];
  const sentences = await taken([podOf(claims)], (_, address) => {
    addresses.push(address);
    return Promise.resolve(answer(address));
  });
  return { addresses, sentences };
}

for (const [listen, expected] of [
  ["8001", ["127.0.0.1", "::1"]],
  ["localhost:8001", ["127.0.0.1", "::1"]],
  ["[::]:8001", ["127.0.0.1", "::1"]],
  ["127.0.0.1:8001", ["127.0.0.1"]],
  ["0.0.0.0:8001", ["127.0.0.1"]],
  ["[::1]:8001", ["::1"]],
] as const) {
  test(`a pattern container that listens on ${listen} needs ${expected.join(" and ")}`, async () => {
    assert.deepEqual((await asked(routeClaims(listen), () => null)).addresses, expected);
  });
}

test("a pattern container's port is looked at on both loopbacks, also where its spec lists it", async () => {
  const listed = containerPorts({
    ...context,
    container: { name: "proxy", image: "a", ports: [{ containerPort: 8001 }] },
  });
  assert.deepEqual((await asked(listed, () => null)).addresses, ["127.0.0.1"]);
  const { addresses, sentences } = await asked([...listed, ...routeClaims("8001")], () => "EADDRINUSE");
  assert.deepEqual(addresses, ["127.0.0.1", "::1"]);
  assert.deepEqual(sentences, [
    "port 8001 of shop/proxy (spec.containers[0].ports[0].containerPort) is taken by another process of this machine: stop it, or give the container another port",
  ]);
});

test("a machine without IPv6 has no port taken there", async () => {
  for (const code of ["EADDRNOTAVAIL", "EAFNOSUPPORT"]) {
    const answer = (address: string): string | null => (address === "::1" ? code : null);
    assert.deepEqual((await asked(routeClaims("8001"), answer)).sentences, []);
  }
});

test("a port that something listens on at [::1] only is taken for a pattern container", async (context) => {
  const server = createServer();
  const listening = once(server, "listening");
  server.listen(0, "::1");
  try {
    await listening;
  } catch {
    return context.skip("no IPv6 here");
  }
  const { port } = server.address() as AddressInfo;
  const sentences = await taken([podOf(routeClaims(String(port)))]);
  server.close();
  assert.deepEqual(sentences, [
    `port ${port} of shop/proxy (a --route of spec.containers[0].args) is taken at [::1] by another process of this machine: stop it, or give the container another port`,
  ]);
});
