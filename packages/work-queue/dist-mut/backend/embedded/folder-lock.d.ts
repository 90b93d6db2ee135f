export declare class FolderLock {
    #private;
    private constructor();
    /** @throws OutriggerError `folder-in-use`, `folder-unusable` */
    static take(folder: string): Promise<FolderLock>;
    release(): Promise<void>;
}
//# sourceMappingURL=folder-lock.d.ts.map