/**
 * Circuit limits of connections: open ones per endpoint, and requests that wait for one. (Envoy counts connections per
 * cluster; per endpoint is what protects an endpoint, and what one slow endpoint cannot use up for the others.) With
 * adaptiveConcurrency the limit of connections is what the endpoint was found to be able to do at once.
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
    const most = this.#most(endpoint);
    if (most > 0 && endpoint.connections >= most) {
      this.#rejections["max-connections"].inc();
      return false;
    }
    endpoint.connections++;
    return true;
  }

  /** Whether it has more connections than it may, since the limit has fallen: one that becomes idle is to be closed. */
  tooMany(endpoint: Endpoint): boolean {
    const most = this.#most(endpoint);
    return most > 0 && endpoint.connections > most;
  }

  #most({ adaptive }: Endpoint): number {
    return adaptive === null ? this.#settings.maxConnections : adaptive.limit;
  }

  /** For each tryConnect that was granted, once, also when the connect failed. */
  disconnected(endpoint: Endpoint): void {
    if (endpoint.connections > 0) endpoint.connections--;
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
