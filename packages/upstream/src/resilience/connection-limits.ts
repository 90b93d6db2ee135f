/**
 * Circuit limits of connections: open ones per endpoint, and requests that wait for one. (Envoy counts connections per
 * cluster; per endpoint is what protects an endpoint, and what one slow endpoint cannot use up for the others.) With
 * adaptiveConcurrency those that carry requests are limited by what the endpoint was found to be able to do at once, too.
 */
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Rejections } from "../instruments.ts";

export interface ConnectionLimitSettings {
  readonly maxConnections: number;
  readonly maxPending: number;
}

export class ConnectionLimits {
  /** Requests that wait for a connection. */
  pending = 0;
  #settings: ConnectionLimitSettings;
  readonly #rejections: Rejections;

  constructor(settings: ConnectionLimitSettings, rejections: Rejections) {
    this.#settings = settings;
    this.#rejections = rejections;
  }

  configure(settings: ConnectionLimitSettings): void {
    this.#settings = settings;
  }

  /** Counts one more connection to it, before it is opened; false: the endpoint has as many as it may. */
  tryConnect(endpoint: Endpoint): boolean {
    if (this.#spare(endpoint) <= 0) {
      this.#rejections["max-connections"].inc();
      return false;
    }
    endpoint.connections++;
    return true;
  }

  /** Whether it has more connections than it may, since the limit has fallen: one that becomes idle is to be closed. */
  tooMany(endpoint: Endpoint): boolean {
    return this.#spare(endpoint) < 0;
  }

  /** How many more connections it may have. What was learnt is about requests: tunnels are none. */
  #spare({ adaptive, connections, tunnels }: Endpoint): number {
    const most = this.#settings.maxConnections;
    const spare = most > 0 ? most - connections : Infinity;
    return adaptive === null ? spare : Math.min(spare, adaptive.limit - (connections - tunnels));
  }

  /** A connection was upgraded: from here on it is a tunnel. */
  tunnelOpened(endpoint: Endpoint): void {
    endpoint.tunnels++;
  }

  /** For each tryConnect that was granted, once, also when the connect failed. @param tunnel it had become one */
  disconnected(endpoint: Endpoint, tunnel = false): void {
    if (endpoint.connections > 0) endpoint.connections--;
    if (tunnel && endpoint.tunnels > 0) endpoint.tunnels--;
  }

  tryPend(): boolean {
    const most = this.#settings.maxPending;
    if (most > 0 && this.pending >= most) {
      this.#rejections["max-pending"].inc();
      return false;
    }
    this.pending++;
    return true;
  }

  unpend(): void {
    if (this.pending > 0) this.pending--;
  }
}
