export {};
//# sourceMappingURL=concurrency.test.d.ts.map