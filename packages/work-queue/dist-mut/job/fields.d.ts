/** Which of a message's fields travel with a job, and which are of one connection, or of ours. */
export type Field = readonly [name: string, value: string];
export interface RequestFields {
    /** What goes with the job. */
    readonly kept: Field[];
    /** What the caller says to the queue, by name. */
    readonly toUs: ReadonlyMap<string, string>;
}
/** @param head of a request, as the engine passes it on: without the fields of the caller's connection */
export declare function requestFields(head: string): RequestFields;
/** @param raw names and values in turn, as node:http has an answer's */
export declare function answerFields(raw: readonly string[]): Field[];
//# sourceMappingURL=fields.d.ts.map