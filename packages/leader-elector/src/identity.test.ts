import assert from "node:assert/strict";
import { test } from "node:test";
import { candidateId, hereAndNow, hostAddress, type Surroundings } from "./identity.ts";

const UID = "0f3a9c1e-1111-2222-3333-444455556666";
const MOUNT = `1 2 0:1 /var/lib/kubelet/pods/${UID}/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n`;
const around = (more: Partial<Surroundings>): Surroundings => ({
  env: {},
  read: () => null,
  hostname: () => "ticker-7d9f",
  random: () => "beef",
  addresses: () => ["192.0.2.7"],
  ...more,
});

test("a candidate is called by the pod's name and uid, from the environment or from its mounts", () => {
  assert.equal(candidateId(around({ env: { POD_NAME: "t-0", POD_UID: "u1" } })), "t-0_u1");
  const read = (path: string) => (path === "/proc/self/mountinfo" ? MOUNT : null);
  assert.equal(candidateId(around({ read })), `ticker-7d9f_${UID}`);
});

test("outside of a pod two candidates of one machine have different names", () => {
  assert.equal(candidateId(around({})), "ticker-7d9f_beef");
  assert.notEqual(candidateId(hereAndNow), candidateId(hereAndNow));
});

test("it is reached at the pod's address, else at the machine's", () => {
  assert.equal(hostAddress(around({ env: { POD_IP: "10.1.2.3" } })), "10.1.2.3");
  assert.equal(hostAddress(around({})), "192.0.2.7");
  assert.equal(hostAddress(around({ addresses: () => [] })), null);
});
