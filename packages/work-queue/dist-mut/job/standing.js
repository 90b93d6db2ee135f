import { parseFailure } from "./failure.js";
export const isEnd = (state) => state === "done" || state === "failed";
/** @param state as BullMQ has it */
export function standingOf(job, state) {
    const failure = state === "failed" ? parseFailure(job.failedReason) : null;
    return {
        id: job.id,
        state: state === "completed"
            ? "done"
            : state === "failed"
                ? "failed"
                : state === "active"
                    ? "running"
                    : "waiting",
        attempts: job.attemptsStarted,
        answer: state === "completed" ? job.returnvalue : (failure?.answer ?? null),
        failure,
    };
}
export const standingJson = ({ id, state, attempts, answer, failure }) => ({
    id,
    state,
    attempts,
    ...(answer !== null && { status: answer.status, result: `/jobs/${id}/result` }),
    ...(failure !== null && { reason: failure.reason, message: failure.message }),
});
//# sourceMappingURL=standing.js.map