/** A Service as a route with discovery=kubernetes names it: `catalog`, `catalog.shop`, `catalog.shop.svc.cluster.local`. */

/** null: that of the pod. */
export function serviceNamespace(host: string): string | null {
  return host.split(".")[1] || null;
}
