/**
 * Bull Board: its page, and of its routes those that read. They see queues through QueueView, which has nothing to hide; whatever
 * would change something has no route here.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { createBullBoard } from "@bull-board/api";
import { OutriggerError } from "@outrigger/core";
import { schedulesOf } from "../schedules/schedules.js";
import { wordsOf } from "../webhooks/webhooks.js";
import { QueueView } from "./queue-view.js";
import { BOARD_PATH } from "./route.js";
const TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
};
/** The page asks nobody else for anything, and nobody else shows it. */
const GUARDS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
};
/** @throws OutriggerError `no-board`: its page is not installed; what BullMQ does where the backend is away */
export async function openBoard(backend, { queue, webhooks }) {
    const queues = [
        { name: queue, title: queue },
        { name: schedulesOf(queue), title: "schedules" },
        ...webhooks.map((url) => ({ name: wordsOf(queue, url), title: `webhooks to ${new URL(url).host}` })),
    ];
    const views = await Promise.all(queues.map(async ({ name, title }) => {
        const opened = backend.openQueue(name);
        // Who is told of jobs says that the backend is away.
        opened.on("error", () => { });
        await opened.waitUntilReady();
        return new QueueView(opened, title);
    }));
    const folder = pageFolder();
    const files = new Set(await readdir(join(folder, "static"), { recursive: true }));
    return new Board(views, folder, files, await readFile(join(folder, "index.ejs"), "utf8"));
}
function pageFolder() {
    try {
        const page = createRequire(import.meta.url).resolve("@bull-board/ui/package.json");
        return join(dirname(page), "dist");
    }
    catch (thrown) {
        throw new OutriggerError("no-board", "board: needs the package @bull-board/ui, which is not here: install it, or leave board out", { cause: thrown });
    }
}
export class Board {
    #folder;
    /** Below static/, by their names. */
    #files;
    #page = Buffer.of();
    /** Of the page itself: it finds its way by the path. */
    #views = [];
    #routes = [];
    #queues = new Map();
    #uiConfig = {};
    constructor(views, folder, files, template) {
        this.#folder = folder;
        this.#files = files;
        const server = {
            setQueues: (queues) => ((this.#queues = queues), server),
            setUIConfig: (config) => ((this.#uiConfig = config), server),
            setEntryRoute: (route) => (this.#setPage(route, template), server),
            setApiRoutes: (routes) => ((this.#routes = routes.flatMap(readingOf)), server),
            setViewsPath: () => server,
            setStaticPath: () => server,
            setErrorHandler: () => server,
        };
        createBullBoard({
            queues: [...views],
            serverAdapter: server,
            options: {
                // Else it would look for its page by itself, by a path that a bundle does not have.
                uiBasePath: folder,
                uiConfig: {
                    boardTitle: "Outrigger",
                    locale: { lng: "en-US" },
                    ...{ hideDocsLink: true, hideRedisDetails: true, showWorkers: false, showMetrics: false },
                },
            },
        });
    }
    /** @param path below the board's own, as it came */
    async answer(path, query) {
        const parts = partsOf(path);
        if (parts === null)
            return NOT_FOUND;
        if (parts[0] === "static")
            return this.#file(parts.slice(1).join("/"));
        if (this.#views.some((view) => matched(view, parts) !== null))
            return { bytes: this.#page, contentType: "text/html; charset=utf-8", headers: GUARDS };
        for (const route of this.#routes) {
            const params = matched(route.parts, parts);
            if (params === null)
                continue;
            // Bull Board decodes it, and fails where it is not encoded.
            if (/%(?![\da-f]{2})/i.test(query.get("activeQueue") ?? ""))
                return NOT_FOUND;
            const { status = 200, body } = await route.handle({
                ...{ queues: this.#queues, uiConfig: this.#uiConfig, params, body: {}, headers: {} },
                query: Object.fromEntries(query),
            });
            return { status, json: body };
        }
        return NOT_FOUND;
    }
    async #file(name) {
        // Of those that there are: whatever is asked for, no other is read.
        const contentType = TYPES[extname(name)];
        if (!this.#files.has(name) || contentType === undefined)
            return NOT_FOUND;
        return { bytes: await readFile(join(this.#folder, "static", name)), contentType };
    }
    #setPage({ route, handler }, template) {
        this.#views = [route].flat().map((path) => partsOf(path) ?? []);
        const { params } = handler({ basePath: BOARD_PATH, uiConfig: this.#uiConfig });
        const page = template
            // Fonts of another site, which would hear of each visit.
            .replace(/^.*fonts\.googleapis\.com.*$/m, "")
            .replace(/<%[=-] (\w+) %>/g, (_match, name) => {
            const value = params[name] ?? "";
            // JSON in which the library has escaped < and >.
            return name === "uiConfig" ? value : value.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
        });
        this.#page = Buffer.from(page);
    }
}
const NOT_FOUND = { status: 404, text: "the board has no such page\n" };
const readingOf = ({ method, route, handler }) => [method].flat().every((each) => each === "get")
    ? [route].flat().map((path) => ({ parts: partsOf(path) ?? [], handle: handler }))
    : [];
/** null: none that a browser would send. */
function partsOf(path) {
    try {
        return path
            .split("/")
            .filter((part) => part !== "")
            .map(decodeURIComponent);
    }
    catch {
        return null;
    }
}
/** What stands at the names of a route; null: it is another's path. */
function matched(route, parts) {
    if (route.length !== parts.length)
        return null;
    const params = {};
    for (const [at, part] of route.entries())
        if (part.startsWith(":"))
            params[part.slice(1)] = parts[at];
        else if (part !== parts[at])
            return null;
    return params;
}
//# sourceMappingURL=board.js.map