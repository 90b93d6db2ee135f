export { VirtualClock } from "./virtual-clock.ts";
export { freePort } from "./free-port.ts";
export { seededRandom } from "./seeded-random.ts";
export { eventually } from "./eventually.ts";
