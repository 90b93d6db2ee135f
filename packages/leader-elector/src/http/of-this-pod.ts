/** Who is in this pod: its containers share one loopback, and nobody else reaches it. */
import type { Socket } from "node:net";

export function isOfThisPod({ remoteAddress }: Pick<Socket, "remoteAddress">): boolean {
  return remoteAddress !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress);
}
