/** A port before the workload, in the one-line grammar: `8080=http://127.0.0.1:3000?stallTimeout=1m`. */
import { OutriggerError, parseHostPort, parseRouteLine, type HostPort } from "@outrigger/core";
import * as z from "zod";

export interface PortRoute<Options> {
  readonly listen: HostPort;
  readonly workload: Required<HostPort>;
  readonly options: Options;
  /** As it was written. */
  readonly text: string;
}

/** @param options a schema of what may follow the `?` */
export function portOption<Schema extends z.ZodObject>(protocol: "http" | "tcp", options: Schema) {
  const accepted = `[HOST:]PORT=${protocol}://HOST:PORT, for example ${protocol === "http" ? "8080=http://127.0.0.1:3000" : "5432=tcp://127.0.0.1:15432"}`;
  return z
    .codec(z.string({ error: `accepted: ${accepted}` }), z.custom<PortRoute<z.output<Schema>>>(), {
      decode(text, context) {
        const refuse = (message: string): never => {
          context.issues.push({ code: "custom", input: text, message });
          return z.NEVER;
        };
        try {
          const { listen, protocol: found, endpoints, ...rest } = parseRouteLine(text);
          const address = parseHostPort(listen);
          const target = parseHostPort(endpoints[0] ?? "");
          if (found !== protocol || endpoints.length !== 1 || !address || target?.host === undefined)
            return refuse(`accepted: ${accepted}`);
          const parsed = options.safeParse(rest);
          if (!parsed.success) return refuse(z.prettifyError(parsed.error));
          const workload = { host: target.host, port: target.port };
          if (isSame(address, workload))
            return refuse(
              "it would call itself: it listens on the port that it aims at; let it listen on another",
            );
          return { listen: address, workload, options: parsed.data, text };
        } catch (thrown) {
          const { code, message } = OutriggerError.from(thrown);
          if (code !== "bad-route" && code !== "route-secret") throw thrown;
          return refuse(message);
        }
      },
      encode: ({ text }) => text,
    })
    .meta({ accepts: accepted });
}

/** As far as the text says: a listener on one other address of the pod may have the workload's port. */
function isSame(listen: HostPort, workload: Required<HostPort>): boolean {
  if (listen.port !== workload.port) return false;
  const hosts = [listen.host ?? "::", workload.host].map(spelling) as [string, string];
  return hosts[0] === hosts[1] || (hosts.every(isHere) && hosts.some((host) => MANY.has(host)));
}

/** Names of more than one address: whoever dials one of all addresses reaches the loopback. */
const MANY: ReadonlySet<string> = new Set(["localhost", "0.0.0.0", "[::]"]);

const isHere = (host: string): boolean => MANY.has(host) || host === "[::1]" || /^127\.[\d.]+$/.test(host);

/** The one that URLs have: of an address there are many. Of IPv4 within IPv6: that of IPv4, whose listener it reaches. */
function spelling(host: string): string {
  const url = `http://${host.includes(":") ? `[${host}]` : host}`;
  const name = URL.canParse(url) ? new URL(url).hostname : host;
  const [, high, low] = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(name) ?? [];
  if (high === undefined || low === undefined) return name;
  const bytes = [high, low].flatMap((half) => [parseInt(half, 16) >> 8, parseInt(half, 16) & 255]);
  return bytes.join(".");
}
