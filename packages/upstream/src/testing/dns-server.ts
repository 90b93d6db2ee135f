/** A DNS server of our own on 127.0.0.1, UDP and TCP on one free port, that answers as a test says. */
import { decode, encode, type Answer, type Packet } from "dns-packet";
import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import { once } from "node:events";

/** RFC 1035 section 4.1.1 codes. */
const RCODE = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;

export type Reply =
  | { readonly answers: readonly Answer[] }
  | { readonly rcode: keyof typeof RCODE }
  | "silence"
  | "garbage"
  /** An empty answer with TC set over UDP; over TCP these. */
  | { readonly truncated: readonly Answer[] };

export interface DnsServer {
  /** IP:PORT, as resolv.conf takes it here. */
  readonly address: string;
  /** What was asked so far: `catalog.shop A`. */
  readonly questions: string[];
  /** By question; a question without a reply gets NXDOMAIN. */
  readonly replies: Map<string, Reply>;
  stop(): Promise<void>;
}

export async function startDnsServer(replies: Record<string, Reply> = {}): Promise<DnsServer> {
  const known = new Map(Object.entries(replies));
  const questions: string[] = [];
  const answer = (query: Buffer, transport: "udp" | "tcp"): Buffer | null => {
    const packet = decode(query);
    const asked = packet.questions?.[0];
    if (!asked) return null;
    const question = `${asked.name} ${asked.type}`;
    questions.push(question);
    const reply = known.get(question) ?? { rcode: "NXDOMAIN" };
    if (reply === "silence") return null;
    if (reply === "garbage")
      return Buffer.concat([query.subarray(0, 2), Buffer.from("\xff\xff\xff\xff no dns", "latin1")]);
    const base: Packet = { type: "response", id: packet.id ?? 0, questions: packet.questions ?? [] };
    const flags = 0x0180;
    if ("rcode" in reply) return encode({ ...base, flags: flags | RCODE[reply.rcode] });
    if ("truncated" in reply) {
      if (transport === "udp") return encode({ ...base, flags: flags | 0x0200 });
      return encode({ ...base, flags, answers: [...reply.truncated] });
    }
    return encode({ ...base, flags, answers: [...reply.answers] });
  };
  const { udp, tcp, port } = await bindBoth();
  udp.on("message", (query, from) => {
    const bytes = answer(query, "udp");
    if (bytes) udp.send(bytes, from.port, from.address);
  });
  const sockets = new Set<TcpSocket>();
  tcp.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let pending = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0);
        const bytes = answer(pending.subarray(2, 2 + length), "tcp");
        pending = pending.subarray(2 + length);
        if (!bytes) continue;
        const prefix = Buffer.alloc(2);
        prefix.writeUInt16BE(bytes.length);
        socket.write(Buffer.concat([prefix, bytes]));
      }
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    questions,
    replies: known,
    async stop() {
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await Promise.all([once(udp, "close"), once(tcp, "close")]);
    },
  };
}

/** A port that is free for both: a UDP port first, then the same for TCP, until that works. */
async function bindBoth(): Promise<{ udp: Socket; tcp: Server; port: number }> {
  for (;;) {
    const udp = createSocket("udp4");
    udp.bind(0, "127.0.0.1");
    await once(udp, "listening");
    const port = udp.address().port;
    const tcp = createServer();
    tcp.listen(port, "127.0.0.1");
    try {
      await once(tcp, "listening");
      return { udp, tcp, port };
    } catch {
      udp.close();
    }
  }
}

export function a(name: string, data: string, ttl = 60): Answer {
  return { type: "A", name, data, ttl };
}
export function aaaa(name: string, data: string, ttl = 60): Answer {
  return { type: "AAAA", name, data, ttl };
}
export function srv(name: string, target: string, port: number, priority = 0, weight = 1): Answer {
  return { type: "SRV", name, ttl: 60, data: { target, port, priority, weight } };
}
