export {};
//# sourceMappingURL=backends.test.d.ts.map