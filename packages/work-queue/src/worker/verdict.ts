/** What an answer means for its job. */
export type Verdict = "done" | "again" | "refused";

/** Too Early, Request Timeout and Too Many Requests say "not now"; the other 4xx would say the same again. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

export function verdictOn(status: number): Verdict {
  if (status >= 500 || NOT_NOW.has(status)) return "again";
  return status >= 400 ? "refused" : "done";
}
