export { Ambassador, createAmbassador } from "./ambassador.ts";
export {
  ambassadorSchema,
  parseAmbassadorConfig,
  routeSchema,
  type AmbassadorConfig,
  type AmbassadorInput,
  type RouteConfig,
  type RouteInput,
} from "./config.ts";
