export {};
//# sourceMappingURL=full-memory.test.d.ts.map