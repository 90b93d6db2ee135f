export {};
//# sourceMappingURL=open-blobs.test.d.ts.map