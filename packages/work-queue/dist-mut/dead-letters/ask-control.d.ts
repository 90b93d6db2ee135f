export interface ControlCall {
    /** [HOST:]PORT or unix:PATH, as --control has it. */
    readonly control: string;
    readonly method: "GET" | "POST";
    readonly path: string;
}
/**
 * @returns the answer's body
 * @throws OutriggerError `bad-config`: no such address. `no-control`: nobody answers there. `refused`: it says why
 */
export declare function askControl({ control, method, path }: ControlCall): Promise<string>;
//# sourceMappingURL=ask-control.d.ts.map