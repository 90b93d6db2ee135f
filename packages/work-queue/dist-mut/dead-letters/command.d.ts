/**
 * @param words those after `dlq`
 * @returns what is written to stdout
 * @throws OutriggerError `bad-config`: wrong words. `no-control`, `refused`: it was not done, and why
 */
export declare function runDlq(words: readonly string[], env: NodeJS.ProcessEnv): Promise<string>;
//# sourceMappingURL=command.d.ts.map