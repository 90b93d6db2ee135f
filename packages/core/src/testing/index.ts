export { VirtualClock } from "./virtual-clock.ts";
export { freePort } from "./free-port.ts";
