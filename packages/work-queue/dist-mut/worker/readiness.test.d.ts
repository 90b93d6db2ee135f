export {};
//# sourceMappingURL=readiness.test.d.ts.map