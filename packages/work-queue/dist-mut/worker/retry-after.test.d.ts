export {};
//# sourceMappingURL=retry-after.test.d.ts.map