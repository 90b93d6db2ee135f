import { type Bytes } from "@outrigger/core";
declare const FOLDERS: readonly ["in", "out", "failed"];
type Folder = (typeof FOLDERS)[number];
export declare class JobFiles {
    #private;
    readonly folder: string;
    private constructor();
    /** Makes what is not there. @throws OutriggerError `folder-unusable` */
    static open(folder: string): Promise<JobFiles>;
    /** @throws where a folder is not there, or not for us to write */
    usable(): Promise<void>;
    /** What a folder has of a job, in the order of their names; without ours. */
    of(folder: Folder, job: string): Promise<string[]>;
    /** Every job that has a file in one of them. */
    jobs(): AsyncGenerator<string, void, undefined>;
    /** Whether it was taken away from the program, or was not whole yet: what out/ and failed/ have of it may not be, either. */
    isWithdrawn(name: string): Promise<boolean>;
    isGiven(name: string): Promise<boolean>;
    /**
     * The program sees it when it is whole and on the disk, and not before.
     * @throws OutriggerError `input-not-written`: it does not see it; whatever `pieces` throws
     */
    give(name: string, pieces: AsyncIterable<Buffer>): Promise<Bytes>;
    /** The program does not begin it any more. One that has begun goes on with what it has open. */
    withdraw(name: string): Promise<void>;
    /** What the program has written of a job. */
    removeResults(job: string): Promise<void>;
    /** All that there is of a job. */
    remove(job: string): Promise<void>;
    /**
     * @param most bytes that are read of it
     * @returns what `use` does; null: it is no regular file
     * @throws what the system says before `use` is called, and what that throws
     */
    read<Value>(folder: "out" | "failed", name: string, most: Bytes, use: (pieces: AsyncIterable<Buffer>) => Promise<Value>): Promise<Value | null>;
}
export {};
//# sourceMappingURL=job-files.d.ts.map