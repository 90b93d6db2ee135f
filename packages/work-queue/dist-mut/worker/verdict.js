/** Too Early, Request Timeout and Too Many Requests say "not now"; the other 4xx would say the same again. */
const NOT_NOW = new Set([408, 425, 429]);
export function verdictOn(status) {
    if (status >= 500 || NOT_NOW.has(status))
        return "again";
    return status >= 400 ? "refused" : "done";
}
//# sourceMappingURL=verdict.js.map