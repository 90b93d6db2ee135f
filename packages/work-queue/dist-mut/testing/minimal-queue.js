/**
 * The peer of the work queue: what one would write by hand with node:http and BullMQ. minimal-queue.js front REDIS QUEUE PORT
 * keeps requests as jobs and answers 202; minimal-queue.js worker REDIS QUEUE WORKLOAD CONCURRENCY makes the same requests.
 */
import { Queue, Worker } from "bullmq";
import { Agent, createServer, request } from "node:http";
const [role, redis = "", name = "", target = "", concurrency] = process.argv.slice(2);
const { hostname: host, port } = new URL(redis);
const connection = { host, port: Number(port) };
const options = { attempts: 5, backoff: { type: "exponential", delay: 1_000 } };
const removeOnComplete = { age: 3_600 };
if (role === "front")
    front(new Queue(name, { connection }));
else
    work(new URL(target));
function front(queue) {
    createServer((incoming, response) => {
        const chunks = [];
        incoming.on("data", (chunk) => chunks.push(chunk));
        incoming.on("end", () => {
            const { method = "", url = "", rawHeaders: headers } = incoming;
            queue.add("http", { method, url, headers, body: Buffer.concat(chunks).toString() }, options).then(({ id }) => {
                response.writeHead(202, { location: `/jobs/${id}`, "content-type": "application/json" });
                response.end(JSON.stringify({ id }));
            }, () => response.writeHead(503).end());
        });
    }).listen(Number(target), "127.0.0.1");
}
function work(workload) {
    const agent = new Agent({ keepAlive: true });
    const call = ({ data: { method, url, headers, body } }) => new Promise((resolve, reject) => {
        const { hostname, port } = workload;
        const outgoing = request({ hostname, port, method, path: url, headers, agent }, (incoming) => {
            const chunks = [];
            incoming.on("data", (chunk) => chunks.push(chunk));
            incoming.on("error", reject);
            incoming.on("end", () => {
                const { statusCode: status = 0 } = incoming;
                if (status >= 500)
                    reject(new Error(`the workload answered ${status}`));
                else
                    resolve({ status, body: Buffer.concat(chunks).toString() });
            });
        });
        outgoing.on("error", reject);
        outgoing.end(body);
    });
    const worker = new Worker(name, call, { connection, concurrency: Number(concurrency), removeOnComplete });
    worker.on("error", (error) => process.stderr.write(`${error.message}\n`));
}
//# sourceMappingURL=minimal-queue.js.map