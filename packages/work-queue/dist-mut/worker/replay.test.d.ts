export {};
//# sourceMappingURL=replay.test.d.ts.map