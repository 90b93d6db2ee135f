/** @returns false: this user may not mount one, and nothing was done */
export declare function onSmallDisk(path: string, size: string, work: () => Promise<void>): Promise<boolean>;
//# sourceMappingURL=full-disk.d.ts.map