/** The names of a job's files: its id, and whatever follows a dot or a dash; hidden ones are ours alone. */
const OF_JOB = /^\.?([0-9a-f]{32})(?=$|[.-])/;
const EXTENSION = /[^/]\.([A-Za-z0-9]{1,16})$/;
/** The job's that a file belongs to; null: it is nobody's. */
export const jobOfFile = (name) => OF_JOB.exec(name)?.[1] ?? null;
/**
 * Of the file that the program is given: programs look at what a name ends with.
 * @param target path and query of the request
 */
export function inputName(id, target) {
    if (jobOfFile(id) !== id)
        throw new RangeError(`${JSON.stringify(id)} is no id of a job`);
    const path = target.split(/[?#]/, 1)[0];
    const [, extension] = EXTENSION.exec(path) ?? [];
    return extension === undefined ? id : `${id}.${extension.toLowerCase()}`;
}
//# sourceMappingURL=job-names.js.map