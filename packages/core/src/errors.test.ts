import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "./errors.ts";

test("anything that was thrown becomes an OutriggerError, keeping its code and cause", () => {
  const own = new OutriggerError("mine", "m");
  assert.equal(OutriggerError.from(own), own);
  const system = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const wrapped = OutriggerError.from(system, "other");
  assert.deepEqual([wrapped.code, wrapped.message, wrapped.cause], ["ECONNREFUSED", "refused", system]);
  assert.deepEqual(
    [OutriggerError.from("text", "c").code, OutriggerError.from("text", "c").message],
    ["c", "text"],
  );
  assert.equal(OutriggerError.from(new Error("x")).code, "internal");
});
