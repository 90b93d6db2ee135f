export declare class FileProgram {
    #private;
    constructor(folder: string);
    /** The names of the inputs that it has begun, each as often. */
    get runs(): string[];
    end(): Promise<void>;
}
//# sourceMappingURL=file-program.d.ts.map