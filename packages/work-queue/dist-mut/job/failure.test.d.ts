export {};
//# sourceMappingURL=failure.test.d.ts.map