export {};
//# sourceMappingURL=dead-letters.test.d.ts.map