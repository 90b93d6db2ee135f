/** A pod's own access to the API server: the service account that the kubelet mounts, the address from the environment. */
import { join } from "node:path";
import { OutriggerError } from "../errors.ts";
import type { AccessOptions, ClusterAccess } from "./cluster-access.ts";
import { FreshFile } from "./fresh-file.ts";

export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export function isInCluster(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env["KUBERNETES_SERVICE_HOST"]) && Boolean(env["KUBERNETES_SERVICE_PORT"]);
}

/** @throws OutriggerError `kubernetes-no-access` when the variables or the files are not there */
export async function inClusterAccess(
  options: AccessOptions & { readonly serviceAccount: string },
): Promise<ClusterAccess> {
  const { env, clock, serviceAccount } = options;
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "";
  const address = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!isInCluster(env) || !/^\d{1,5}$/.test(port) || !URL.canParse(address))
    throw new OutriggerError(
      "kubernetes-no-access",
      `KUBERNETES_SERVICE_HOST ${JSON.stringify(host)} and KUBERNETES_SERVICE_PORT ${JSON.stringify(port)} are no address of an API server: the kubelet sets both in each container`,
    );
  const file = (name: string): FreshFile => new FreshFile(join(serviceAccount, name), clock);
  const [token, ca] = [file("token"), file("ca.crt")];
  const source = `the pod's service account in ${serviceAccount}`;
  const credentials: ClusterAccess["credentials"] = async () => ({
    token: await token.text(),
    ca: await ca.text(),
    cert: null,
    key: null,
  });
  try {
    await credentials();
    const namespace = await file("namespace").text();
    const refused = (): void => token.doubt();
    return {
      server: new URL(address),
      namespace,
      serverName: null,
      insecure: false,
      source,
      credentials,
      refused,
    };
  } catch (thrown) {
    throw new OutriggerError(
      "kubernetes-no-access",
      `${OutriggerError.from(thrown).message}; without it the API server knows nobody: leave automountServiceAccountToken on for this pod`,
      { cause: thrown },
    );
  }
}
