/**
 * A backend of large bodies: GET /BYTES/sized or /BYTES/chunked sends one, PUT reads one with stops and answers what it
 * got. What it sent is told over IPC. store.js PORT EVERY PAUSE
 */
import { createServer } from "node:http";
import { receiveBody, sendBody } from "./large-body.ts";

const [port = 0, every = 0, pause = 0] = process.argv.slice(2).map(Number);

const server = createServer((request, response) => {
  if (request.method === "PUT") {
    receiveBody(request, { every, pause }).then(
      (tally) => response.end(JSON.stringify(tally)),
      () => response.destroy(),
    );
    return;
  }
  const [, bytes = "0", shape = ""] = (request.url ?? "").split("/");
  if (shape === "sized") response.setHeader("content-length", bytes);
  // Tallies go in a message, not in a trailer: a sized answer has none.
  sendBody(response, Number(bytes)).then(
    (tally) => {
      response.end();
      if (request.headers["x-tell"]) process.send?.(tally);
    },
    () => response.destroy(),
  );
});
server.requestTimeout = 0;
process.on("disconnect", () => process.exit(0));
server.listen(port, "127.0.0.1", () => process.send?.("listening"));
