export {};
//# sourceMappingURL=blob-sweep.test.d.ts.map