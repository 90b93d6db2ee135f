import { FAILURE_REASONS } from "../job/failure.js";
const MOST_LISTED = 1_000;
export function deadLetterRoutes(letters) {
    const acting = (act, word) => ({ query }) => withLetters(letters, query, async (open, which) => {
        if (which === null)
            return bad("say which: ?id=ID, ?reason=REASON, or ?all=true; nothing is meant by nothing");
        return { json: { [word]: await act(open, which) } };
    });
    return [
        {
            method: "GET",
            path: "/dead-letters",
            summary: "jobs that were given up, the latest first: ?reason=, ?count= (100); with ?id= one, with its request",
            handle: ({ query }) => withLetters(letters, query, async (open, which) => {
                const count = Number(query.get("count") ?? 100);
                if (!Number.isInteger(count) || count < 1 || count > MOST_LISTED)
                    return bad(`count: accepted: a whole number from 1 to ${MOST_LISTED}`);
                if (which === null || which === "all" || !("id" in which))
                    return { json: await open.list(which ?? "all", count) };
                const letter = await open.show(which.id);
                return letter === null ? { status: 404, text: "no dead letter has this id\n" } : { json: letter };
            }),
        },
        {
            method: "POST",
            path: "/dead-letters/replay",
            summary: "they wait again, with all attempts before them: ?id=, ?reason=, or ?all=true",
            handle: acting((open, which) => open.replay(which), "replayed"),
        },
        {
            method: "POST",
            path: "/dead-letters/purge",
            summary: "they are gone for good: ?id=, ?reason=, or ?all=true",
            handle: acting((open, which) => open.purge(which), "purged"),
        },
    ];
}
async function withLetters(letters, query, use) {
    const open = letters();
    if (open === null)
        return { status: 503, text: "the queue is not open yet\n" };
    const [id, reason, all] = [query.get("id"), query.get("reason"), query.get("all")];
    if ([id, reason, all].filter((value) => value !== null).length > 1)
        return bad("id, reason and all exclude each other");
    if (id !== null)
        return use(open, { id });
    if (reason !== null) {
        if (!FAILURE_REASONS.includes(reason))
            return bad(`reason: accepted: ${FAILURE_REASONS.join(", ")}`);
        return use(open, { reason: reason });
    }
    if (all !== null && all !== "true")
        return bad("all: accepted: true");
    return use(open, all === null ? null : "all");
}
const bad = (text) => ({ status: 400, text: `${text}\n` });
//# sourceMappingURL=routes.js.map