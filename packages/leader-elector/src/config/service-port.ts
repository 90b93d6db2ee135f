/** A port of the Service whose traffic goes to the leader: `http=8080`, `8080`, `dns=53/UDP`. */
import { OutriggerError } from "@outrigger/core";

export interface ServicePort {
  readonly name?: string;
  /** The pod's. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/** @throws OutriggerError `bad-service-port` */
export function parseServicePort(text: string): ServicePort {
  const [, name, digits, protocol = "TCP"] =
    /^(?:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)=)?(\d{1,5})(?:\/(TCP|UDP))?$/.exec(text) ?? [];
  const port = Number(digits);
  if (port >= 1 && port <= 65_535)
    return { ...(name !== undefined && { name }), port, protocol: protocol as "TCP" | "UDP" };
  throw new OutriggerError(
    "bad-service-port",
    `${JSON.stringify(text)} is no port of a Service: accepted: NAME=PORT or PORT, with /TCP or /UDP, for example http=8080`,
  );
}
