export {};
//# sourceMappingURL=waits.test.d.ts.map