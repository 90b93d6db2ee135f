export { VirtualClock } from "./virtual-clock.ts";
export { freePort } from "./free-port.ts";
export { seededRandom } from "./seeded-random.ts";
export {
  TestApiServer,
  type ApiServerOptions,
  type Fault,
  type Rule,
  type Seen,
  type User,
} from "./kubernetes/index.ts";
export { noRedisServer, RedisServer } from "./redis-server.ts";
export { noTlsRedis, TlsRedis } from "./redis-tls.ts";
export { noPostgresServer, PostgresServer } from "./postgres-server.ts";
export { eventually } from "./eventually.ts";
