/** The names of a job's files: its id, and whatever follows a dot or a dash; hidden ones are ours alone. */
/** The job's that a file belongs to; null: it is nobody's. */
export declare const jobOfFile: (name: string) => string | null;
/**
 * Of the file that the program is given: programs look at what a name ends with.
 * @param target path and query of the request
 */
export declare function inputName(id: string, target: string): string;
//# sourceMappingURL=job-names.d.ts.map