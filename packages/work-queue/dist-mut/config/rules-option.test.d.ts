export {};
//# sourceMappingURL=rules-option.test.d.ts.map