export {};
//# sourceMappingURL=prefer.test.d.ts.map