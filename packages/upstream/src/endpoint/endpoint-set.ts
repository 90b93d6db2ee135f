/** The endpoints that discovery lists now. One whose key stays is the same object, with its counts and health. */
import { createEndpoint, type Endpoint, type Target } from "./endpoint.ts";

export interface Change {
  readonly added: readonly Endpoint[];
  readonly removed: readonly Endpoint[];
}

export class EndpointSet {
  #byKey = new Map<string, Endpoint>();
  #list: readonly Endpoint[] = [];

  get list(): readonly Endpoint[] {
    return this.#list;
  }

  get size(): number {
    return this.#list.length;
  }

  /** Makes the set what `targets` say. A key that is listed twice counts once, as first listed. */
  replace(targets: readonly Target[]): Change {
    const before = this.#byKey;
    const after = new Map<string, Endpoint>();
    const added: Endpoint[] = [];
    for (const target of targets) {
      if (after.has(target.key)) continue;
      let endpoint = before.get(target.key);
      if (endpoint) {
        endpoint.name = target.name;
        endpoint.host = target.host;
        endpoint.weight = target.weight;
        endpoint.priority = target.priority;
      } else {
        endpoint = createEndpoint(target);
        added.push(endpoint);
      }
      after.set(target.key, endpoint);
    }
    const removed = this.#list.filter((endpoint) => after.get(endpoint.key) !== endpoint);
    for (const endpoint of removed) endpoint.removed = true;
    this.#byKey = after;
    this.#list = [...after.values()];
    return { added, removed };
  }
}
