import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics } from "node:v8";
import { silentLogger } from "../log/logger.ts";
import { refuseHostNetwork, warnOfHeapLimit } from "./surroundings.ts";

test("a heap that may outgrow the container's memory is warned of, naming the flag", () => {
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => warnings.push(message) };
  const heap = getHeapStatistics().heap_size_limit;
  for (const limit of [undefined, 0, 2 ** 63, heap * 2]) warnOfHeapLimit(log, limit);
  assert.deepEqual(warnings, []);
  warnOfHeapLimit(log, 128 * 2 ** 20);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /^the heap may grow to \d+Mi and the container has 128Mi: start node with --max-old-space-size=64$/,
  );
});

test("a hostNetwork pod is refused only where both addresses are told and equal", () => {
  refuseHostNetwork({}, false);
  refuseHostNetwork({ HOST_IP: "", POD_IP: "" }, false);
  refuseHostNetwork({ HOST_IP: "10.0.0.1", POD_IP: "10.1.0.1" }, false);
  refuseHostNetwork({ HOST_IP: "10.0.0.1", POD_IP: "10.0.0.1" }, true);
  assert.throws(() => refuseHostNetwork({ HOST_IP: "10.0.0.1", POD_IP: "10.0.0.1" }, false), {
    code: "host-network",
  });
});
