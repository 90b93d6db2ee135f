export {};
//# sourceMappingURL=folder-lock.test.d.ts.map