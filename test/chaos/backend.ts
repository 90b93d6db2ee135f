/**
 * A backend as a process: answers after some milliseconds, writes down each request on its arrival, and misbehaves when
 * it is told to. The journal is written before the answer and with one system call a line: it survives kill -9.
 *
 * backend.js NAME PORT JOURNAL
 */
import { appendFileSync, openSync, writeSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { answerBody, parseTarget } from "../support/answer.ts";

/**
 * right: as it should. reset-head: half of the status line, then RST. silent: accepts and never answers.
 * garbage: bytes that are no HTTP. cut-body: a part of the body, then RST. short-body: a part of it, then FIN.
 */
export type Behaviour = "right" | "reset-head" | "silent" | "garbage" | "cut-body" | "short-body";

/** An answer takes so long, and up to twice that, in milliseconds: so that there always is something in flight. */
const WORK = 6;

const [name = "", port = "0", journalFile = ""] = process.argv.slice(2);
const journal = openSync(journalFile, "a");
let behaviour: Behaviour = "right";
let leaving = false;
const idle = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  let pending = "";
  let body = 0;
  idle.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => idle.delete(socket));
  socket.on("data", (chunk: Buffer) => {
    pending += chunk.toString("latin1");
    if (body > 0) takeBody();
    const end = pending.indexOf("\r\n\r\n");
    if (end < 0 || body > 0) return;
    idle.delete(socket);
    const head = pending.slice(0, end);
    pending = pending.slice(end + 4);
    body = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const target = head.split(" ", 2)[1] ?? "";
    const { id } = parseTarget(target);
    writeSync(journal, `${id} ${behaviour}\n`);
    takeBody();
    setTimeout(() => answer(socket, target), WORK + Math.random() * WORK);
  });
  function takeBody(): void {
    const part = Math.min(body, pending.length);
    body -= part;
    pending = pending.slice(part);
  }
});

function answer(socket: Socket, target: string): void {
  if (socket.destroyed) return;
  const { id, size, shape } = parseTarget(target);
  const text = answerBody(id, name, size);
  const close = leaving ? "connection: close\r\n" : "";
  const framing = shape === "sized" ? `content-length: ${size}` : "transfer-encoding: chunked";
  const head = `HTTP/1.1 200 OK\r\nx-backend: ${name}\r\n${close}${framing}\r\n\r\n`;
  const part = text.slice(0, size >> 1);
  const partly = shape === "sized" ? part : chunk(part);
  switch (behaviour) {
    case "right":
      socket.write(head + (shape === "sized" ? text : `${chunk(text)}0\r\n\r\n`), "latin1");
      if (leaving) socket.end();
      else idle.add(socket);
      break;
    case "silent":
      break;
    case "reset-head":
      socket.write("HTTP/1.1 2", () => socket.resetAndDestroy());
      break;
    case "garbage":
      socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x0a, 0x0d, 0x0a, 0x0d, 0x0a]));
      break;
    case "cut-body":
      // The head goes ahead, so that the client has it when the reset comes.
      socket.write(head + partly, "latin1", () => setTimeout(() => socket.resetAndDestroy(), 5));
      break;
    case "short-body":
      socket.end(head + partly, "latin1");
      break;
    default:
      behaviour satisfies never;
  }
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

process.on("message", (message: { behave: Behaviour }) => {
  behaviour = message.behave;
  process.send?.({ behaves: behaviour });
});
// As a well-behaved server: what is in flight is answered, connections that wait are closed.
process.on("SIGTERM", () => {
  leaving = true;
  server.close(() => process.exit(0));
  for (const socket of idle) socket.end();
});
process.on("disconnect", () => process.exit(0));
server.on("error", (error) => {
  appendFileSync(2, `${name} cannot listen on ${port}: ${error.message}\n`);
  process.exit(1);
});
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 1024 }, () =>
  process.send?.({ listening: true }),
);
