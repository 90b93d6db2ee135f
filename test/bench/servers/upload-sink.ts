/** A backend that reads an upload to its end and answers with the number of bytes. Argument: PORT. */
import { createServer } from "node:http";

createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
  let count = 0;
  request.on("data", (chunk: Buffer) => (count += chunk.length));
  request.on("end", () => response.end(String(count)));
}).listen(Number(process.argv[2]), "127.0.0.1");
