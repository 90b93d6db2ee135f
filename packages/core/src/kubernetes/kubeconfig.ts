/**
 * Access from kubeconfig files, as kubectl reads them: $KUBECONFIG (a list, joined by ':') or ~/.kube/config; of what several
 * files say the first counts; paths are relative to the file that has them. What would run a program, or would send a
 * password, is refused by name.
 */
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import * as z from "zod";
import { parseYaml } from "../config/plain-yaml.ts";
import { readText } from "../config/read-text.ts";
import { OutriggerError } from "../errors.ts";
import type { AccessOptions, ClusterAccess } from "./cluster-access.ts";
import { FreshFile } from "./fresh-file.ts";

const text = z.string().nullish();
const cluster = z.looseObject({
  server: z.string(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.boolean().nullish(),
  "tls-server-name": text,
  "proxy-url": text,
});
const user = z.looseObject({
  token: text,
  tokenFile: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
});
const context = z.looseObject({ cluster: z.string(), user: z.string().nullish(), namespace: text });
const kubeconfig = z.looseObject({
  "current-context": text,
  clusters: z
    .array(z.object({ name: z.string(), cluster }).transform(({ name, cluster: value }) => ({ name, value })))
    .nullish(),
  users: z
    .array(
      z
        .object({ name: z.string(), user: user.nullish() })
        .transform((of) => ({ name: of.name, value: of.user ?? {} })),
    )
    .nullish(),
  contexts: z
    .array(z.object({ name: z.string(), context }).transform(({ name, context: value }) => ({ name, value })))
    .nullish(),
});
type Kubeconfig = z.infer<typeof kubeconfig>;

interface Source {
  readonly path: string;
  readonly config: Kubeconfig;
}

/** An entry of one of the files, and where it stands. */
interface Entry<Value> {
  readonly value: Value;
  readonly folder: string;
  readonly where: string;
}

/** What a user may have that is not done here, and what to do instead. */
const REFUSED: readonly (readonly [key: string, remedy: string])[] = [
  ["exec", "no program is run for a token: give a token, a tokenFile or a client certificate"],
  ["auth-provider", "kubectl has given it up as well: give a token, a tokenFile or a client certificate"],
  ["username", "API servers take no passwords any more: give a token, a tokenFile or a client certificate"],
  ["password", "API servers take no passwords any more: give a token, a tokenFile or a client certificate"],
  ["as", "nobody is impersonated: use that user's own credentials"],
  ["as-uid", "nobody is impersonated: use that user's own credentials"],
  ["as-groups", "nobody is impersonated: use that user's own credentials"],
  ["as-user-extra", "nobody is impersonated: use that user's own credentials"],
];

/**
 * @param options.context default: current-context
 * @throws OutriggerError `kubernetes-no-access` where there is no file, `bad-kubeconfig` with what is wrong in which
 */
export async function kubeconfigAccess(
  options: AccessOptions & { readonly context?: string },
): Promise<ClusterAccess> {
  const { env, clock } = options;
  const sources = await readAll(env);
  const name = options.context ?? first(sources, ({ config }) => config["current-context"] || null);
  const files = sources.map(({ path }) => path).join(", ");
  if (name === null) throw bad(files, "there is no current-context: kubectl config use-context NAME sets it");
  const chosen = find(sources, "context", (config) => config.contexts, name, "current-context");
  const clusterEntry = find(
    sources,
    "cluster",
    (config) => config.clusters,
    chosen.value.cluster,
    chosen.where,
  );
  const { value: of, where } = clusterEntry;
  const userEntry = chosen.value.user
    ? find(sources, "user", (config) => config.users, chosen.value.user, chosen.where)
    : { value: {} as z.infer<typeof user>, folder: ".", where: chosen.where };
  const who: z.infer<typeof user> = userEntry.value;
  for (const [key, remedy] of REFUSED)
    if (who[key] !== undefined && who[key] !== null)
      throw bad(userEntry.where, `${key} is not supported: ${remedy}`);
  if (of["proxy-url"]) throw bad(where, "proxy-url is not supported: reach the API server directly");
  if (!URL.canParse(of.server) || !/^https?:$/.test(new URL(of.server).protocol))
    throw bad(where, `server ${JSON.stringify(of.server)} is no https://HOST:PORT`);

  const fresh: FreshFile[] = [];
  /** The data itself, or a file to be read again and again. */
  const pem = (entry: Entry<object>, key: string): (() => Promise<string | null>) => {
    const fields = entry.value as Record<string, string | null | undefined>;
    const data = fields[`${key}-data`];
    if (data) {
      const decoded = decode(data, entry.where, `${key}-data`);
      return async () => decoded;
    }
    return file(entry, fields[key]);
  };
  const file = (entry: Entry<object>, path: string | null | undefined): (() => Promise<string | null>) => {
    if (!path) return async () => null;
    const opened = new FreshFile(resolve(entry.folder, path), clock);
    fresh.push(opened);
    return () => opened.text();
  };
  const known = { ...userEntry, value: who };
  const [ca, cert, key] = [
    pem(clusterEntry, "certificate-authority"),
    pem(known, "client-certificate"),
    pem(known, "client-key"),
  ];
  // As kubectl: a file, which can be replaced, goes before a token that stands there.
  const token = who.tokenFile ? file(known, who.tokenFile) : async () => who.token || null;
  const credentials: ClusterAccess["credentials"] = async () => ({
    token: await token(),
    ca: await ca(),
    cert: await cert(),
    key: await key(),
  });
  const now = await credentials();
  if ((now.cert === null) !== (now.key === null))
    throw bad(userEntry.where, "client-certificate and client-key go together: one of them is missing");
  return {
    server: new URL(of.server),
    namespace: chosen.value.namespace || null,
    serverName: of["tls-server-name"] || null,
    insecure: of["insecure-skip-tls-verify"] === true,
    source: `context ${name} of ${files}`,
    credentials,
    refused: () => fresh.forEach((opened) => opened.doubt()),
  };
}

async function readAll(env: NodeJS.ProcessEnv): Promise<readonly Source[]> {
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const paths = listed.length > 0 ? listed : [join(env["HOME"] || homedir(), ".kube", "config")];
  const sources: Source[] = [];
  for (const path of paths) {
    try {
      sources.push({ path, config: parse(await readText(path), path) });
    } catch (thrown) {
      const error = OutriggerError.from(thrown);
      // As kubectl: one that is not there yet is none.
      if (error.code === "ENOENT") continue;
      throw error.code === "bad-kubeconfig" ? error : bad(path, error.message, thrown);
    }
  }
  if (sources.length === 0)
    throw new OutriggerError(
      "kubernetes-no-access",
      `no access to a cluster: this is no pod with a service account (KUBERNETES_SERVICE_HOST is not set), and there is no kubeconfig at ${paths.join(", ")}`,
    );
  return sources;
}

function parse(content: string, path: string): Kubeconfig {
  const parsed = kubeconfig.safeParse(parseYaml(content) ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // The message alone: the input may be a secret.
  throw bad(path, `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "not a kubeconfig"}`);
}

function first<Value>(sources: readonly Source[], of: (source: Source) => Value | null): Value | null {
  for (const source of sources) {
    const value = of(source);
    if (value !== null) return value;
  }
  return null;
}

function find<Value>(
  sources: readonly Source[],
  kind: string,
  list: (
    config: Kubeconfig,
  ) => readonly { readonly name: string; readonly value: Value }[] | null | undefined,
  name: string,
  wantedBy: string,
): Entry<Value> {
  for (const { path, config } of sources) {
    const entry = list(config)?.find((candidate) => candidate.name === name);
    if (entry) return { value: entry.value, folder: dirname(path), where: `${path}: ${kind} ${name}` };
  }
  const files = sources.map(({ path }) => path).join(", ");
  throw bad(files, `there is no ${kind} ${JSON.stringify(name)}, which ${wantedBy} names`);
}

function decode(data: string, where: string, key: string): string {
  const compact = data.replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) throw bad(where, `${key} is not base64`);
  return Buffer.from(compact, "base64").toString("utf8");
}

const bad = (where: string, message: string, cause?: unknown): OutriggerError =>
  new OutriggerError("bad-kubeconfig", `${where}: ${message}`, cause === undefined ? undefined : { cause });
