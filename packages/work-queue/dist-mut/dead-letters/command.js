/** `outrigger-work-queue dlq ...`: the dead-letter queue for people, by way of the control server of the same pod. */
import { parseArgs } from "node:util";
import { OutriggerError } from "@outrigger/core";
import { FAILURE_REASONS } from "../job/failure.js";
import { askControl } from "./ask-control.js";
const DEFAULT_CONTROL = "127.0.0.1:14041";
const MANUAL = `Jobs that were given up, of the work queue whose control server is in this pod.

  dlq list [--reason REASON] [--count N]      the latest first, 100 unless told otherwise
  dlq show ID                                 one, with its request and the workload's last answer
  dlq replay ID | --reason REASON | --all     they wait again, with all attempts before them
  dlq purge ID | --reason REASON | --all      they are gone for good

  --json                   for programs
  --control [HOST:]PORT    where the control server listens, or unix:PATH [default ${DEFAULT_CONTROL}, env OUTRIGGER_CONTROL]

REASON is one of ${FAILURE_REASONS.join(", ")}.
`;
const OPTIONS = {
    reason: { type: "string" },
    count: { type: "string" },
    all: { type: "boolean" },
    json: { type: "boolean" },
    control: { type: "string" },
    help: { type: "boolean" },
};
/** Beside --json, --control and --help. */
const VERBS = {
    list: { takes: ["reason", "count"], one: false },
    show: { takes: ["id"], one: true },
    replay: { takes: ["id", "reason", "all"], one: true },
    purge: { takes: ["id", "reason", "all"], one: true },
};
/**
 * @param words those after `dlq`
 * @returns what is written to stdout
 * @throws OutriggerError `bad-config`: wrong words. `no-control`, `refused`: it was not done, and why
 */
export async function runDlq(words, env) {
    const wish = parseWords(words, env["OUTRIGGER_CONTROL"] ?? DEFAULT_CONTROL);
    if (wish === "help")
        return MANUAL;
    const { verb, json, call } = wish;
    const text = await askControl(call);
    if (json || verb === "show")
        return text;
    const answer = JSON.parse(text);
    if (verb === "list")
        return table(answer);
    const [[word, count] = ["", 0]] = Object.entries(answer);
    return `${count} ${word}\n`;
}
/** @throws OutriggerError `bad-config`, with every problem in its message */
function parseWords(words, control) {
    let parsed;
    try {
        parsed = parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
    }
    catch (thrown) {
        throw usage([thrown.message]);
    }
    const { values, positionals } = parsed;
    const [verb, ...ids] = positionals;
    if (values.help === true || verb === "help")
        return "help";
    const known = verb === undefined ? undefined : VERBS[verb];
    if (verb === undefined || known === undefined)
        throw usage([
            `${verb === undefined ? "say what to do" : `there is no dlq ${verb}`}, accepted: ${Object.keys(VERBS).join(", ")}`,
        ]);
    const problems = [];
    const said = { ...values, ...(ids.length > 0 && { id: ids[0] }) };
    const which = ["id", "reason", "all"].filter((name) => said[name] !== undefined);
    for (const name of ["id", "reason", "count", "all"])
        if (said[name] !== undefined && !known.takes.includes(name))
            problems.push(`dlq ${verb} takes no ${name === "id" ? "ID" : `--${name}`}`);
    if (ids.length > 1)
        problems.push(`one ID at a time, found ${ids.length}`);
    if (known.one && which.length !== 1)
        problems.push(`say which, and in one way: ${known.takes.map((name) => (name === "id" ? "ID" : `--${name}`)).join(", ")}`);
    if (values.reason !== undefined && !FAILURE_REASONS.includes(values.reason))
        problems.push(`--reason: found ${values.reason}, accepted: ${FAILURE_REASONS.join(", ")}`);
    if (problems.length > 0)
        throw usage(problems);
    const query = new URLSearchParams();
    if (said.id !== undefined)
        query.set("id", said.id);
    for (const name of ["reason", "count"]) {
        const value = values[name];
        if (value !== undefined)
            query.set(name, value);
    }
    if (values.all === true)
        query.set("all", "true");
    const acts = verb === "replay" || verb === "purge";
    const path = `/dead-letters${acts ? `/${verb}` : ""}?${query.toString()}`;
    return {
        verb,
        json: values.json === true,
        call: { control: values.control ?? control, method: acts ? "POST" : "GET", path },
    };
}
const usage = (problems) => new OutriggerError("bad-config", `${problems.join("; ")}. dlq --help shows all`);
/** Callers chose what is in it: nothing of it reaches a terminal as more than text. */
const harmless = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
function table(letters) {
    if (letters.length === 0)
        return "no dead letters\n";
    const rows = [
        ["ID", "FAILED AT", "REASON", "ATTEMPTS", "REQUEST", "MESSAGE"],
        ...letters.map(({ id, failedAt, reason, attempts, method, target, message }) => [id, failedAt, reason, String(attempts), `${method} ${target}`, message].map(harmless)),
    ];
    const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
    return rows
        .map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`)
        .join("");
}
//# sourceMappingURL=command.js.map