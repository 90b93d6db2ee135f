/** What this candidate is called, and where it is reached, when nobody says so: what its surroundings tell. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The text of a file; null: there is none. */
  readonly read: (path: string) => string | null;
  readonly hostname: () => string;
  /** Hexadecimal digits, other ones at each call. */
  readonly random: () => string;
  readonly addresses: () => readonly string[];
}

export const hereAndNow: Surroundings = {
  env: process.env,
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return null;
    }
  },
  hostname,
  random: () => randomBytes(6).toString("hex"),
  addresses: () =>
    Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
      .map(({ address }) => address),
};

/** The kubelet mounts the pod's /etc/hosts from a folder named by the pod's uid. */
const POD_UID = /\/pods\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/etc-hosts\s/;

/**
 * `POD_uid`, as client-go's examples have it. The pod's name is POD_NAME or the host's name; its uid POD_UID or what the
 * mounts tell; outside of a pod a random part, since two processes of a machine must not be one candidate.
 */
export function candidateId({ env, read, hostname: host, random }: Surroundings): string {
  const name = (env["POD_NAME"] || host()).replaceAll(/[^\x21-\x7e]/g, "-").slice(0, 200);
  const uid = env["POD_UID"] || POD_UID.exec(read("/proc/self/mountinfo") ?? "")?.[1];
  return `${name}_${uid ?? random()}`;
}

/** The pod's address, else the machine's first that is none of its own; null: it has none. */
export function hostAddress({ env, addresses }: Surroundings): string | null {
  return env["POD_IP"] || (addresses()[0] ?? null);
}
