export {};
//# sourceMappingURL=installing.test.d.ts.map