export declare class Passage {
    #private;
    readonly url: string;
    private constructor();
    /** @param url with the server's host and port */
    static to(url: string): Promise<Passage>;
    /** Of those that are open nothing more gets through, either way; what is sent into them is taken. */
    silence(): number;
    /** Of those that were silenced. */
    get stillOpen(): number;
    end(): void;
}
//# sourceMappingURL=passage.d.ts.map