/** The proxies that the HTTP bench compares, each as its users would run it, and the backend behind them all. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Spawned } from "./spawned.ts";

export const PROXY_CPU = 0;
/** Load generator and backend share the other CPU. */
export const LOAD_CPU = 1;

export interface Peer {
  readonly name: string;
  /** The program that must be on PATH; null: comes with the project. */
  readonly command: string | null;
  start(port: number, backend: number, scratch: string): Promise<Spawned>;
}

const NGINX_COMMON = (scratch: string, name: string): string =>
  `daemon off; master_process off; worker_processes 1; pid ${join(scratch, `${name}.pid`)}; error_log ${join(scratch, `${name}.log`)} crit;
events { worker_connections 4096; }
`;

function nginx(name: string, extra: string): Peer["start"] {
  return (port, backend, scratch) => {
    const file = join(scratch, `${name}.conf`);
    writeFileSync(
      file,
      `${NGINX_COMMON(scratch, name)}http {
  access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_temp_path ${scratch}/${name}-body; proxy_temp_path ${scratch}/${name}-proxy; ${extra}
  upstream backend { server 127.0.0.1:${backend}; keepalive 512; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
    );
    return new Spawned(name, PROXY_CPU, "nginx", ["-c", file, "-p", scratch]).listening(port);
  };
}

/** @param node the Node that images ship; @param bin our container's entry; @param httpProxy a server around http-proxy */
export function httpPeers(node: string, bin: string, httpProxy: string): Peer[] {
  return [
    {
      name: "outrigger",
      command: null,
      start: (port, backend) =>
        new Spawned("outrigger", PROXY_CPU, node, [
          bin,
          "--route",
          `127.0.0.1:${port}=http://127.0.0.1:${backend}`,
          "--probe",
          "127.0.0.1:0",
          "--control",
          "off",
        ]).listening(port),
    },
    { name: "nginx", command: "nginx", start: nginx("nginx", "") },
    {
      name: "nginx, 128k buffers",
      command: "nginx",
      start: nginx(
        "nginx-128k",
        "proxy_buffers 8 128k; proxy_buffer_size 128k; proxy_busy_buffers_size 256k; client_body_buffer_size 2m;",
      ),
    },
    {
      name: "haproxy",
      command: "haproxy",
      start: (port, backend, scratch) => {
        const file = join(scratch, "haproxy.cfg");
        writeFileSync(
          file,
          `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option http-keep-alive
  http-reuse always
listen proxy
  bind 127.0.0.1:${port}
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  server backend 127.0.0.1:${backend}
`,
        );
        return new Spawned("haproxy", PROXY_CPU, "haproxy", ["-f", file, "-db"]).listening(port);
      },
    },
    {
      name: "http-proxy",
      command: null,
      start: (port, backend) =>
        new Spawned("http-proxy", PROXY_CPU, node, [httpProxy, String(port), String(backend)]).listening(
          port,
        ),
    },
  ];
}

/** A backend that costs little: nginx answering from memory and from the page cache, uploads read by a small Node server. */
export async function startBackend(
  port: number,
  uploads: number,
  node: string,
  sink: string,
  scratch: string,
): Promise<Spawned[]> {
  mkdirSync(join(scratch, "www"), { recursive: true });
  writeFileSync(join(scratch, "www", "large"), LARGE);
  const file = join(scratch, "backend.conf");
  writeFileSync(
    file,
    `${NGINX_COMMON(scratch, "backend")}http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on; open_file_cache max=10;
  server { listen 127.0.0.1:${port} backlog=4096;
    location = /small { default_type text/plain; return 200 "${SMALL}"; }
    location = /large { root ${join(scratch, "www")}; }
  }
}
`,
  );
  return [
    await new Spawned("backend", LOAD_CPU, "nginx", ["-c", file, "-p", scratch]).listening(port),
    await new Spawned("upload sink", LOAD_CPU, node, [sink, String(uploads)]).listening(uploads),
  ];
}

/** 104 bytes. */
export const SMALL = "outrigger ".repeat(10) + "104.";
/** 100 KB that a corrupting proxy would not get right by chance. */
export const LARGE = Buffer.from(Array.from({ length: 100 * 1024 }, (_, n) => (n * 31 + (n >> 8)) & 0xff));
