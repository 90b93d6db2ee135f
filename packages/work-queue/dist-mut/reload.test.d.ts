export {};
//# sourceMappingURL=reload.test.d.ts.map